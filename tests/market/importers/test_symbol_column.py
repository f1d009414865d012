"""Files of several symbols, which a column names: each symbol becomes a series of its own."""

from itertools import chain

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from examples import cases
from market_files import MONDAY_NS, refused, rows, walk, write
from mlx_muzero.market.importers import detect_format, import_file
from mlx_muzero.market.importers.text import TextSource
from mlx_muzero.timeunits import MINUTE_NS
from muzero_cli.verbs.data import app

HEAD = "time,open,high,low,close"
PAIRS = ("BTC/USDT", "ethusdt", "EUR_USD")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "EURUSD")


def of_pairs(pairs=PAIRS, n=200, stamp="%Y-%m-%dT%H:%M:%SZ", delimiter=","):
    return [
        rows(stamp, n, f"{delimiter}{pair}", delimiter, seed=seed)
        for seed, pair in enumerate(pairs)
    ]


def interleaved(parts):
    return [line for minute in zip(*parts, strict=True) for line in minute]


def require_walks(store, symbols=SYMBOLS, n=200):
    for seed, symbol in enumerate(symbols):
        bars = store.load(symbol)
        assert bars.open_time_ns.tolist() == [MONDAY_NS + i * MINUTE_NS for i in range(n)]
        assert np.array_equal(bars.close, np.round(walk(n, seed)[3], 3))


@pytest.mark.parametrize("column", cases(2, ["<INSTRUMENT>", "symbol", "Ticker", "pair"]))
@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("order", cases(1, [interleaved, lambda parts: [*chain(*parts)]]))
def test_every_symbol_of_a_file_is_imported(store, tmp_path, monkeypatch, column, delimiter, order):
    monkeypatch.setattr("mlx_muzero.market.importers.blocks.BLOCK_BYTES", 4000)
    lines = order(of_pairs(delimiter=delimiter))
    path = write(tmp_path / "all.csv", lines, f"{HEAD},{column}".replace(",", delimiter))
    assert detect_format(path) == "csv"
    report = import_file(store, path)
    assert (report.symbols, report.rows, report.inserted) == (SYMBOLS, 600, 600)
    counts = [(one.symbol, one.rows, one.inserted, one.rejected) for one in report.by_symbol]
    assert counts == [(symbol, 200, 200, 0) for symbol in SYMBOLS]
    require_walks(store)
    assert import_file(store, path).already_imported


def test_a_header_as_fxcms_may_have_symbols_too(store, tmp_path):
    head = "timestamp,open,high,low,close,volume,symbol"
    lines = interleaved(
        [rows("%Y-%m-%d %H:%M:%S", tail=f",7,{pair}", seed=i) for i, pair in enumerate(PAIRS)]
    )
    path = write(tmp_path / "all.csv", lines, head)
    assert import_file(store, path).format == "fxcm"
    require_walks(store)
    assert (store.load("ETHUSDT").volume == 7).all()


def test_one_symbol_is_picked_by_any_spelling_and_the_others_follow(store, tmp_path):
    path = write(tmp_path / "all.csv", interleaved(of_pairs()), f"{HEAD},symbol")
    refused(store, path, "no symbol XRPUSDT", "BTC/USDT, ethusdt", symbol="XRPUSDT")
    one = import_file(store, path, symbol="eth-usdt")
    assert (one.symbols, one.inserted, one.by_symbol) == (("ETHUSDT",), 200, ())
    rest = import_file(store, path)
    assert (rest.inserted, rest.duplicates) == (400, 200)
    assert [count.inserted for count in rest.by_symbol] == [200, 0, 200]
    require_walks(store)


def test_bad_rows_count_for_their_symbol(store, tmp_path):
    parts = of_pairs()
    parts[1][50] = parts[1][50].replace("2021", "20x1")
    parts[2][60] = parts[2][60].removesuffix("EUR_USD")
    path = write(tmp_path / "all.csv", interleaved(parts), f"{HEAD},symbol")
    report = import_file(store, path)
    assert [row.reason.split(" (")[0] for row in report.rejected] == [
        "the time cannot be read",
        "the symbol is missing",
    ]
    # A row without a symbol may be of any: it counts for the first.
    assert [one.rejected for one in report.by_symbol] == [1, 1, 0]
    assert [one.rows for one in report.by_symbol] == [200, 199, 199]


def test_names_that_mean_one_symbol_and_names_that_mean_none_are_refused(store, tmp_path):
    lines = interleaved(of_pairs(("BTC/USDT", "BTC/USDT:USDT")))
    path = write(tmp_path / "all.csv", lines, f"{HEAD},symbol")
    refused(store, path, "BTC/USDT and BTC/USDT:USDT are both BTCUSDT", "--symbol BTC/USDT")
    report = import_file(store, path, symbol="BTC/USDT")
    assert report.rows == 200
    assert store.load("BTCUSDT").close[0] == np.round(walk(200)[3][0], 3)


def test_a_name_that_is_none_is_refused_or_given(store, tmp_path):
    path = write(tmp_path / "all.csv", interleaved(of_pairs(("BTCUSDT", "?"))), f"{HEAD},symbol")
    refused(store, path, "'?' cannot be a symbol")
    assert import_file(store, path, symbol="btcusdt").rows == 200
    odd = write(tmp_path / "odd.csv", of_pairs(("?",))[0], f"{HEAD},symbol")
    report = import_file(store, odd, symbol="ETHUSDT")
    assert any("its symbol is ?; imported as ETHUSDT" in note for note in report.notes)


def test_a_column_of_anything_else_is_not_one_of_symbols(store, tmp_path, monkeypatch):
    monkeypatch.setattr("mlx_muzero.market.importers.symbol_column.MOST_SYMBOLS", 100)
    lines = [f"{line},N{i}" for i, line in enumerate(rows("%Y-%m-%dT%H:%M:%SZ"))]
    path = write(tmp_path / "all.csv", lines, f"{HEAD},symbol")
    refused(store, path, "more than 100 different symbols", "N0, N1")


def test_the_clock_of_several_pairs_shows_in_the_weeks_of_one(store, tmp_path):
    # On this broker's clock a week of the market is Monday to Friday.
    day, week = np.arange(24 * 60), 7 * 24 * 60
    first, last = day, day + 4 * 24 * 60
    minutes = np.concatenate([k * week + part for k in range(3) for part in (first, last)])
    wall = MONDAY_NS + minutes * MINUTE_NS
    price = 1 + np.cumsum(np.random.default_rng(0).normal(0, 1e-5, len(wall)))
    stamps = wall.astype("M8[ns]").astype("M8[m]").astype(str)
    lines = [
        f"{t.replace('T', ' ')},{p:.5f},{p:.5f},{p:.5f},{p:.5f},{pair}"
        for t, p in zip(stamps, price, strict=True)
        for pair in ("EURUSD", "GBPUSD")
    ]
    report = import_file(store, write(tmp_path / "mt.csv", lines, f"{HEAD},symbol"))
    assert report.symbols == ("EURUSD", "GBPUSD")
    assert any("clock America/New_York+7 detected" in note for note in report.notes)


def test_parquet_and_text_choose_symbols_by_the_same_rule(store, tmp_path):
    path = tmp_path / "all.parquet"
    values = ", ".join(
        f"(timestamptz '2021-03-01 00:0{i}:00+00', 1.0, 1.0, 1.0, 1.0, '{pair}')"
        for i in range(3)
        for pair in ("BTC/USDT", "BTC/USDT:USDT")
    )
    duckdb.sql(
        f"copy (from (values {values}) t(timestamp, open, high, low, close, symbol)) to '{path}'"
    )
    refused(store, path, "are both BTCUSDT")
    assert import_file(store, path, symbol="BTC/USDT:USDT").rows == 3


def test_ticks_of_several_symbols(store, tmp_path):
    times = np.arange(MONDAY_NS, MONDAY_NS + 3 * MINUTE_NS, 15 * 10**9)
    lines = [
        f"{time},{pair},{price},{price + 0.0002:.4f}"
        for time in times
        for pair, price in (("EUR/USD", 1.1), ("GBP/USD", 1.3))
    ]
    path = write(tmp_path / "ticks.csv", lines, "timestamp,symbol,bid,ask")
    report = import_file(store, path)
    assert [(one.symbol, one.rows) for one in report.by_symbol] == [("EURUSD", 3), ("GBPUSD", 3)]
    assert (store.load("EURUSD").open == 1.1).all()
    assert (store.load("GBPUSD").volume == 4).all()


def test_the_command_tells_the_count_of_each(tmp_path):
    path = write(tmp_path / "all.csv", interleaved(of_pairs()), f"{HEAD},symbol")
    result = CliRunner().invoke(app, ["import", str(path), "--db", str(tmp_path / "m.duckdb")])
    assert "  ETHUSDT: 200 rows, 200 new, 0 rejected, from 2021-03-01 00:00" in result.stdout


NAMES = ("BTCUSDT", "ETHUSDT", "X-1", "")


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=60), st.integers(60, 400))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_row_is_lost_between_symbols(tmp_path, monkeypatch, names, block):
    monkeypatch.setattr("mlx_muzero.market.importers.blocks.BLOCK_BYTES", block)
    times = rows("%Y-%m-%dT%H:%M:%SZ", len(names))
    lines = [f"{line},{name}" for line, name in zip(times, names, strict=True)]
    path = write(tmp_path / "a.csv", lines, f"{HEAD},symbol")
    if not any(names):
        return
    read = [
        (chunk.symbol, line)
        for chunk in TextSource.open(path, "csv").chunks()
        for line in chunk.lines.tolist()
    ]
    assert sorted(read, key=lambda row: row[1]) == [
        (name, line) for line, name in enumerate(names, 2) if name
    ]
