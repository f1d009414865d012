"""LEAN's zips of minute bars, whose names and folders say what the rows do not."""

import zipfile

import numpy as np
import pytest

from market_files import MONDAY_NS, refused, walk
from mlx_muzero.market.importers import ImportBatch, detect_format, import_file
from mlx_muzero.market.store.staging import ASK_COLUMNS
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS


def lean(folder, place, inner, lines):
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(inner, "\n".join(lines))
    return path


def trades(n=300):
    return [
        f"{60_000 * i},{','.join(f'{price:.3f}' for price in bar)},{i + 0.5}"
        for i, bar in enumerate(zip(*walk(n), strict=True))
    ]


def quotes(n=300):
    bars = zip(*walk(n), strict=True)
    sides = [[",".join(f"{x + above:.3f}" for x in bar) for above in (0, 0.012)] for bar in bars]
    return [f"{60_000 * i},{bid},1000,{ask},2000" for i, (bid, ask) in enumerate(sides)]


TRADE, QUOTE = "20210301_btcusdt_minute_trade.csv", "20210301_eurusd_minute_quote.csv"
CRYPTO, FOREX = "crypto/binance/minute/btcusdt", "forex/oanda/minute/eurusd"


@pytest.mark.parametrize(
    ("place", "inner", "symbol"),
    [
        (f"{CRYPTO}/20210301_trade.zip", TRADE, "BTCUSDT"),
        ("20210301_trade.zip", TRADE, "BTCUSDT"),
        (
            "cryptofuture/binance/minute/adausdt/20210301_trade.zip",
            "20210301_adausdt_minute_trade_perp.csv",
            "ADAUSDT",
        ),
        (
            "cryptofuture/binance/minute/btcusd/20210301_trade.zip",
            "20210301_btcusd_minute_trade_perp.csv",
            "BTCUSD_PERP",
        ),
    ],
)
def test_trades(store, tmp_path, place, inner, symbol):
    path = lean(tmp_path, place, inner, trades())
    assert detect_format(path) == "lean"
    report = import_file(store, path)
    assert (report.symbols, report.format, report.clock, report.rejected_count) == (
        (symbol,),
        "lean",
        "UTC",
        0,
    )
    bars = store.load(symbol)
    assert bars.open_time_ns.tolist() == [MONDAY_NS + i * MINUTE_NS for i in range(300)]
    assert np.array_equal([bars.open, bars.high, bars.low, bars.close], np.round(walk(300), 3))
    assert np.array_equal(bars.volume, np.arange(300) + 0.5)
    assert import_file(store, path).already_imported


@pytest.mark.parametrize(("market", "hours"), [("oanda", 0), ("fxcm", 5)])
def test_quotes_have_bid_and_ask_on_their_markets_clock(store, tmp_path, market, hours):
    path = lean(tmp_path, f"forex/{market}/minute/eurusd/20210301_quote.zip", QUOTE, quotes())
    assert import_file(store, path).symbols == ("EURUSD",)
    bars = store.load("EURUSD", extras=ASK_COLUMNS)
    assert bars.open_time_ns[0] == MONDAY_NS + hours * HOUR_NS
    assert np.array_equal(bars.extras["close_ask"], np.round(walk(300)[3] + 0.012, 3))
    assert np.isnan(bars.volume).all()


def test_without_folders_the_clock_of_currencies_is_asked_for(store, tmp_path):
    path = lean(tmp_path, "20210301_quote.zip", QUOTE, quotes())
    refused(store, path, "a lean file does not state its clock")
    import_file(store, path, clock="UTC-5")
    assert store.load("EURUSD").open_time_ns[0] == MONDAY_NS + 5 * HOUR_NS


@pytest.mark.parametrize(
    ("place", "inner", "said"),
    [
        ("equity/usa/minute/spy/20210301_trade.zip", "20210301_spy_minute_trade.csv", "equity"),
        ("20210301_trade.zip", "20210301_spy_minute_trade.csv", "are scaled"),
        (f"{CRYPTO}/20210302_trade.zip", TRADE, "says another day"),
        ("x.zip", "20210301_btcusdt_second_trade.csv", "second data"),
        ("x.zip", "20211301_btcusdt_minute_trade.csv", "names no day"),
    ],
)
def test_what_is_no_minute_bar_of_a_pair_is_refused(store, tmp_path, place, inner, said):
    refused(store, lean(tmp_path, place, inner, trades()), said)


def test_a_folders_trades_come_before_its_quotes(tmp_path):
    quote = lean(tmp_path, f"{CRYPTO}/20210301_quote.zip", QUOTE, quotes())
    trade = lean(tmp_path, f"{CRYPTO}/20210302_trade.zip", TRADE, trades())
    assert ImportBatch.of([tmp_path], tmp_path / "no.duckdb").files == (trade, quote)


def test_a_name_that_lean_does_not_give_is_refused(store, tmp_path):
    path = lean(tmp_path, "BTCUSDT.zip", "BTCUSDT.csv", trades())
    refused(store, path, "'BTCUSDT.csv' is not a name that LEAN gives", format_name="lean")


def test_bad_rows_are_left_out(store, tmp_path):
    lines = trades()
    for row, time in {5: "-1", 6: "86400000", 7: "420001", 8: "x"}.items():
        lines[row] = ",".join([time, *lines[row].split(",")[1:]])
    report = import_file(store, lean(tmp_path, f"{CRYPTO}/20210301_trade.zip", TRADE, lines))
    unread = "the time cannot be read (accepted: milliseconds since midnight)"
    assert [(row.line, row.reason) for row in report.rejected] == [
        (6, unread),
        (7, unread),
        (8, "the time is not a whole minute"),
        (9, unread),
    ]
