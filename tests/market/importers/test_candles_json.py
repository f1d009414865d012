"""Candles saved from exchanges as JSON: the order of their values, their volumes, their last."""

import json

import numpy as np
import pytest

from market_files import MONDAY_NS, refused, walk
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import Choices, detect_format, import_file
from mlx_muzero.market.importers.candle_pages import EXCHANGES, kraken_pair
from mlx_muzero.market.store.staging import ASK_COLUMNS, EXTRA_COLUMNS
from mlx_muzero.timeunits import MINUTE_NS

N = 200
MS, SECONDS = MONDAY_NS // 10**6, MONDAY_NS // 10**9
VOLUME, QUOTE_VOLUME = 2.5, 262.75


def candles(start=0, stop=N):
    """Minute and open, high, low, close of the candles of a walk, as texts."""
    bars = np.round(np.transpose(walk(N)), 3)
    return [(i, *(f"{x:.3f}" for x in bars[i])) for i in range(start, stop)]


def binance(start=0, stop=N):
    return [
        [
            MS + 60_000 * i,
            o,
            h,
            lo,
            c,
            "2.5",
            MS + 60_000 * i + 59_999,
            "262.75",
            7,
            "1.5",
            "157",
            "0",
        ]
        for i, o, h, lo, c in candles(start, stop)
    ]


def bybit(start=0, stop=N, category="linear", asked_ms=MS + 60_000 * N - 1):
    volumes = ["2.5", "262.75"] if category != "inverse" else ["262.75", "2.5"]
    rows = [[str(MS + 60_000 * i), *bar, *volumes] for i, *bar in candles(start, stop)]
    result = {"symbol": "BTCUSDT", "category": category, "list": rows[::-1]}
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": asked_ms}


def okx(start=0, stop=N, volumes=("2.5", "262.75", "262.75")):
    rows = [
        [str(MS + 60_000 * i), *bar, *volumes, "0" if i == N - 1 else "1"]
        for i, *bar in candles(start, stop)
    ]
    return {"code": "0", "msg": "", "data": rows[::-1]}


def kraken(start=0, stop=N):
    rows = [[SECONDS + 60 * i, *bar, "105", "2.5", 7] for i, *bar in candles(start, stop)]
    return {"error": [], "result": {"XXBTZUSD": rows, "last": SECONDS + 60 * (N - 2)}}


def coinbase(start=0, stop=N):
    rows = [
        [SECONDS + 60 * i, float(lo), float(h), float(o), float(c), 2.5]
        for i, o, h, lo, c in candles(start, stop)
    ]
    return rows[::-1]


def coinbase_advanced(start=0, stop=N):
    return {
        "candles": [
            {"start": str(t), "low": lo, "high": h, "open": o, "close": c, "volume": v}
            for t, lo, h, o, c, v in coinbase(start, stop)
        ]
    }


def hyperliquid(start=0, stop=N):
    return [
        {
            "t": MS + 60_000 * i,
            "T": MS + 60_000 * i + 59_999,
            "s": "BTC",
            "i": "1m",
            "o": o,
            "c": c,
            "h": h,
            "l": lo,
            "v": "2.5",
            "n": 7,
        }
        for i, o, h, lo, c in candles(start, stop)
    ]


def oanda(start=0, stop=N, sides="bid ask"):
    return {
        "instrument": "EUR_USD",
        "granularity": "M1",
        "candles": [
            {
                "complete": i != N - 1,
                "volume": 2.5,
                "time": f"{SECONDS + 60 * i}.000000000",
                **{side: dict(zip("ohlc", bar, strict=True)) for side in sides.split()},
            }
            for i, *bar in candles(start, stop)
        ],
    }


# exchange: format, a page, the file's name, its symbol, which columns it fills
SAVED = {
    "binance": ("binance-json", binance, "BTCUSDT.json", "BTCUSDT", EXTRA_COLUMNS[4:]),
    "bybit": ("bybit-json", bybit, "page.json", "BTCUSDT", ("quote_volume",)),
    "bybit-inverse": (
        "bybit-json",
        lambda *rows: bybit(*rows, category="inverse"),
        "page.json",
        "BTCUSDT",
        ("quote_volume",),
    ),
    "okx": ("okx-json", okx, "BTC-USDT.json", "BTCUSDT", ("quote_volume",)),
    "okx-contracts": (
        "okx-json",
        lambda *rows: okx(*rows, volumes=("250", "2.5", "262.75")),
        "BTC-USDT.json",
        "BTCUSDT",
        ("quote_volume",),
    ),
    "kraken": ("kraken-json", kraken, "page.json", "BTCUSD", ("trades",)),
    "coinbase": ("coinbase-json", coinbase, "BTC-USD.json", "BTCUSD", ()),
    "coinbase-advanced": ("coinbase-json", coinbase_advanced, "BTC-USD.json", "BTCUSD", ()),
    "oanda": ("oanda-json", oanda, "page.json", "EURUSD", ASK_COLUMNS),
    "hyperliquid": ("hyperliquid-json", hyperliquid, "page.json", "BTCUSDC", ("trades",)),
}
VALUES = {
    "quote_volume": QUOTE_VOLUME,
    "trades": 7,
    "taker_buy_volume": 1.5,
    "taker_buy_quote_volume": 157,
}


def saved(path, *pages, indent=None):
    path.write_text("\n".join(json.dumps(page, indent=indent) for page in pages))
    return path


def require_walk(store, symbol, n=N - 1):
    bars = store.load(symbol)
    assert bars.open_time_ns.tolist() == [MONDAY_NS + i * MINUTE_NS for i in range(n)]
    found = [bars.open, bars.high, bars.low, bars.close]
    assert np.array_equal(found, np.round(walk(N), 3)[:, :n])
    assert (bars.volume == VOLUME).all()


@pytest.mark.parametrize("exchange", SAVED)
def test_candles_are_read_but_for_the_unfinished(store, tmp_path, exchange):
    format_name, page, name, symbol, columns = SAVED[exchange]
    path = saved(tmp_path / name, page())
    assert detect_format(path) == format_name
    report = import_file(store, path)
    assert (report.symbols, report.format, report.clock) == ((symbol,), format_name, "UTC")
    assert (report.rows, report.rejected_count) == (N - 1, 0)
    assert [note[:12] for note in report.notes] == ["1 candle was"]
    require_walk(store, symbol)
    extras = store.load(symbol, extras=EXTRA_COLUMNS).extras
    known = {name for name, values in extras.items() if not np.isnan(values).all()}
    assert known == set(columns)
    asks = dict(zip(ASK_COLUMNS, np.round(walk(N), 3)[:, : N - 1], strict=True))
    assert all((extras[column] == (VALUES | asks)[column]).all() for column in columns)
    assert import_file(store, path).already_imported


@pytest.mark.parametrize("exchange", SAVED)
def test_pages_follow_one_another_in_any_order(store, tmp_path, exchange):
    format_name, page, name, symbol, _ = SAVED[exchange]
    # The newest of the first page is the oldest of the next.
    path = saved(tmp_path / name, page(99, N), page(0, 100), indent=2)
    assert detect_format(path) == format_name
    report = import_file(store, path)
    assert report.rejected_count == 0
    # The newest of the first page is there again.
    assert [note[:12] for note in report.notes] == ["1 candle was"]
    require_walk(store, symbol)


def test_candles_of_oanda_may_be_of_mid_prices_and_in_rfc_3339(store, tmp_path):
    page = oanda(sides="mid")
    for i, candle in enumerate(page["candles"]):
        candle["time"] = f"2021-03-01T{i // 60:02d}:{i % 60:02d}:00.000000000Z"
    report = import_file(store, saved(tmp_path / "page.json", page))
    assert any("halfway between bid and ask" in note for note in report.notes)
    require_walk(store, "EURUSD")
    page["granularity"] = "M5"
    with pytest.raises(DataError, match="not of one minute"):
        import_file(store, saved(tmp_path / "page.json", page))


def test_a_page_that_ended_long_ago_is_whole(store, tmp_path):
    path = saved(tmp_path / "page.json", bybit(asked_ms=MS + 60_000 * N))
    assert import_file(store, path).notes == ()
    require_walk(store, "BTCUSDT", N)


def test_candles_of_which_none_is_finished_are_refused(store, tmp_path):
    path = saved(tmp_path / "BTCUSDT.json", binance(0, 1))
    refused(store, path, "no candle is left: 1 candle was left out")


@pytest.mark.parametrize(("page", "bad"), [(okx, ["x"] * 9), (okx, []), (coinbase, ["x", 1])])
def test_one_bad_row_does_not_spoil_a_page(store, tmp_path, page, bad):
    answer = page()
    rows = answer["data"] if isinstance(answer, dict) else answer
    rows[7] = bad
    report = import_file(store, saved(tmp_path / "BTC-USDT.json", answer))
    assert ([row.line for row in report.rejected], report.rows) == ([8], N - 2)


def test_bad_candles_are_counted(store, tmp_path):
    page = binance()
    page[3][1], page[4][0], page[5] = "x", page[4][0] + 1, page[5][:11]
    page[6][2], page[7][4] = "1", None
    report = import_file(store, saved(tmp_path / "BTCUSDT.json", page))
    assert [(row.line, row.reason) for row in report.rejected] == [
        (4, "open is not a number"),
        (5, "the time is not a whole minute"),
        (6, "it does not have 12 values"),
        (7, "open or close outside low to high"),
        (8, "close is not a number"),
    ]
    page[9:30] = [row[:11] for row in page[9:30]]
    path = saved(tmp_path / "worse.json", page)
    skip = Choices(skip_bad_rows=True)
    with pytest.raises(DataError, match="26 of 199 rows are malformed"):
        import_file(store, path, "ETHUSDT")
    assert import_file(store, path, "ETHUSDT", choices=skip).rows == N - 1 - 26


def test_what_is_not_as_an_exchange_writes_it_is_refused(store, tmp_path, monkeypatch):
    path = tmp_path / "BTCUSDT.json"
    # Open, high, low, close, which is not Coinbase's order.
    ordered = [[SECONDS + 60 * i, *map(float, bar), 2.5] for i, *bar in candles()]
    refused(store, saved(path, ordered), "its values are not time, low, high, open, close, volume")
    refused(store, saved(path, binance(), okx()), "not candles of binance-json")
    refused(store, saved(path, {"retCode": 10001, "retMsg": "params error"}), "unknown format")
    refused(
        store, saved(path, [1]), "not candles of hyperliquid-json", format_name="hyperliquid-json"
    )
    hourly = [{**row, "i": "1h"} for row in hyperliquid()]
    refused(store, saved(path, hourly), "not of one minute")
    other = bybit()
    other["result"]["symbol"] = "ETHUSDT"
    refused(store, saved(path, bybit(), other), "its pages are of BTCUSDT, ETHUSDT")
    path.write_text(json.dumps(binance())[:-40])
    refused(store, path, "BTCUSDT.json:1: not JSON")
    path.write_text("[" * 100_000)
    refused(store, path, "not JSON", format_name="binance-json")
    monkeypatch.setattr("mlx_muzero.market.importers.candles_json._MOST_BYTES", 1 << 10)
    refused(store, saved(path, binance()), "MiB of JSON: split it")


@pytest.mark.parametrize("name", EXCHANGES)
def test_any_json_is_refused_with_a_word(store, tmp_path, name):
    for answer in (None, 1, "x", [], {}, [[]], [1], {"result": []}, [[None] * 12]):
        path = saved(tmp_path / "BTCUSDT.json", answer)
        refused(store, path, format_name=name, symbol="BTCUSDT")


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("XXBTZUSD", "BTC/USD"),
        ("XETHXXBT", "ETH/BTC"),
        ("XXDGZEUR", "DOGE/EUR"),
        ("XBTUSDT", "BTCUSDT"),
        ("XBT/USD", "BTC/USD"),
        ("ADAUSD", "ADAUSD"),
    ],
)
def test_pairs_of_kraken(name, pair):
    assert kraken_pair(name) == pair
