"""Dukascopy's bi5 files: candles of bid and ask, and ticks, which give the same bars."""

import lzma

import numpy as np
import pytest

from market_files import refused, walk
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import ImportBatch, detect_format, import_file
from mlx_muzero.market.importers.bi5 import _CANDLE, _TICK
from mlx_muzero.market.instrument import Instrument, UnknownInstrument
from mlx_muzero.market.store.staging import ASK_COLUMNS
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS

# Folder 2021/02/01 is Monday, the first of March.
DAY_NS = int(np.datetime64("2021-03-01", "ns").astype(np.int64))
FOLDERS = "USDJPY/2021/02/01"
BID, ASK, TICKS = "BID_candles_min_1.bi5", "ASK_candles_min_1.bi5", "10h_ticks.bi5"


def bi5(folder, name, records, folders=FOLDERS):
    path = folder / folders / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(records.tobytes(), lzma.FORMAT_ALONE))
    return path


def candles(n=1440, above=0):
    records = np.zeros(n, _CANDLE)
    records["at"] = 60 * np.arange(n)
    for name, prices in zip(("open", "high", "low", "close"), walk(n), strict=True):
        records[name] = np.round(prices * 1000) + above
    records["volume"] = 0.01 * np.arange(1, n + 1)
    return records


def ticks(n=3000):
    records = np.zeros(n, _TICK)
    records["at"] = np.arange(n) * 1000
    records["bid"] = 105_000 + np.arange(n) % 37
    records["ask"] = records["bid"] + 12
    records["volume"], records["ask_volume"] = 1.5, 7
    return records


def prices(store, symbol, columns=()):
    bars = store.load(symbol, extras=ASK_COLUMNS)
    return [bars.extras[name] for name in columns] or [bars.open, bars.high, bars.low, bars.close]


def test_candles_of_bid_and_ask_join(store, tmp_path):
    day = candles()
    for name in ("open", "high", "low", "close"):
        day[name][100:103] = day["close"][99]
    day["volume"][100:103] = 0
    above = day.copy()
    for name in ("open", "high", "low", "close"):
        above[name] += 12
    batch = ImportBatch.of(
        [bi5(tmp_path, BID, day).parents[3], bi5(tmp_path, ASK, above)], tmp_path / "no.duckdb"
    )
    bid, ask = batch.files
    assert (bid.name, ask.name, detect_format(bid)) == (BID, ASK, "bi5")
    report = import_file(store, bid)
    assert (report.symbols, report.format, report.clock) == (("USDJPY",), "bi5", "UTC")
    assert report.notes == (
        "its folders say 2021-03-01, as Dukascopy counts months from 00",
        "3 minutes without a tick were left out",
    )
    assert import_file(store, ask).filled == 1437
    there = np.delete(np.arange(1440), [100, 101, 102])
    bars = store.load("USDJPY")
    assert np.array_equal(bars.open_time_ns, DAY_NS + there * MINUTE_NS)
    whole = np.round(walk(1440), 3)[:, there]
    assert np.array_equal(prices(store, "USDJPY"), whole)
    assert np.array_equal(prices(store, "USDJPY", ASK_COLUMNS), np.round(whole + 0.012, 3))
    assert bars.volume[:3].tolist() == [0.01, 0.02, 0.03]
    assert import_file(store, bid).already_imported
    assert import_file(store, ask).already_imported


def test_ticks_are_bars_of_bid_and_ask(store, tmp_path):
    path = bi5(tmp_path, TICKS, ticks())
    report = import_file(store, path)
    assert (report.rows, report.format) == (50, "bi5")
    assert any("3,000 ticks" in note for note in report.notes)
    bars = store.load("USDJPY", extras=ASK_COLUMNS)
    assert bars.open_time_ns.tolist() == [DAY_NS + 10 * HOUR_NS + i * MINUTE_NS for i in range(50)]
    assert (bars.open[0], bars.high[0], bars.close[0]) == (105.0, 105.036, 105.022)
    assert np.array_equal(bars.extras["close_ask"], np.round(bars.close + 0.012, 3))
    assert (bars.volume == 90).all()
    assert import_file(store, path).already_imported


def test_a_point_is_a_tenth_of_the_instruments_pip(store, tmp_path):
    with pytest.raises(UnknownInstrument, match="data instrument USA500IDXUSD"):
        import_file(store, bi5(tmp_path, BID, candles(), "USA500IDXUSD/2021/02/01"))
    refused(store, bi5(tmp_path, BID, candles(), "BTCUSD/2021/02/01"), "data instrument BTCUSD")
    path = bi5(tmp_path, BID, candles(), "BTCUSD/2021/02/01")
    store.set_instrument(Instrument("BTCUSD", "crypto", 1.0))
    import_file(store, path)
    assert np.array_equal(prices(store, "BTCUSD"), np.round(np.array(walk(1440)) * 1000) / 10)


@pytest.mark.parametrize(
    ("folders", "name", "said"),
    [
        ("USDJPY/2021-03-01", BID, "keep it under the folders"),
        (FOLDERS, "bars.bi5", "keep it under the folders"),
        (FOLDERS, "24h_ticks.bi5", "24h is not an hour"),
        ("USDJPY/2021/01/30", BID, "do not make a day"),
        ("USDJPY/2021/12/30", BID, "counted from 1"),
        ("USD\nJPY/2021/02/01", BID, "cannot be a symbol"),
    ],
)
def test_what_its_path_does_not_tell_is_not_guessed(store, tmp_path, folders, name, said):
    refused(store, bi5(tmp_path, name, candles(), folders), said)


def test_months_that_count_from_1_are_seen_by_their_neighbors(store, tmp_path):
    (tmp_path / "USDJPY/2021/12").mkdir(parents=True)
    refused(store, bi5(tmp_path, BID, candles()), "counted from 1")


def test_damaged_files_are_refused(store, tmp_path, monkeypatch):
    path = bi5(tmp_path, BID, candles())
    whole = path.read_bytes()
    path.write_bytes(whole[:-200])
    refused(store, path, "ends too early: download it again")
    path.write_bytes(whole[:100] + bytes(50) + whole[150:])
    refused(store, path, "download it again")
    path.write_bytes(lzma.compress(candles().tobytes()[:-4], lzma.FORMAT_ALONE))
    refused(store, path, "cut off within a record")
    monkeypatch.setattr("mlx_muzero.market.importers.bi5._MOST_BYTES", 100 << 10)
    path.write_bytes(lzma.compress(bytes(200 << 10), lzma.FORMAT_ALONE))
    refused(store, path, "or a trap")
    # A dictionary of 4 GB.
    path.write_bytes(whole[:1] + b"\x00\x00\xff\xff" + whole[5:])
    refused(store, path, format_name="bi5")


def test_impossible_candles_and_ticks_are_counted(store, tmp_path):
    day = candles()
    day["at"][3], day["at"][4], day["low"][5] = 86_400, 61, day["high"][5] + 1
    reasons = [row.reason for row in import_file(store, bi5(tmp_path, BID, day)).rejected]
    assert reasons == [
        "the time is past the end of the file's period",
        "the time is not a whole minute",
        "open or close outside low to high",
    ]
    hour = ticks()
    hour["bid"][7], hour["volume"][8] = 0, -1
    path = bi5(tmp_path, "11h_ticks.bi5", hour, "EURUSD/2021/02/01")
    assert [row.line for row in import_file(store, path).rejected] == [8, 9]


def test_a_day_without_a_tick_has_no_bar(store, tmp_path):
    closed = candles()
    for name in ("open", "high", "low", "close"):
        closed[name] = 105_000
    closed["volume"] = 0
    # Saturday, the sixth.
    path = bi5(tmp_path, BID, closed, "USDJPY/2021/02/06")
    report = import_file(store, path)
    assert (report.rows, report.first_ns) == (0, None)
    assert "1,440 minutes without a tick were left out" in report.notes
    assert import_file(store, path).already_imported
    assert store.count("USDJPY").bars == 0


def test_an_hour_of_few_ticks_has_bars_apart(store, tmp_path):
    hour = ticks(3)
    hour["at"] = (0, 600_000, 1_800_000)
    assert import_file(store, bi5(tmp_path, TICKS, hour)).rows == 3


def test_an_empty_hour_in_a_folder_is_passed_over(tmp_path):
    bi5(tmp_path, TICKS, ticks())
    empty = tmp_path / FOLDERS / "11h_ticks.bi5"
    empty.touch()
    batch = ImportBatch.of([tmp_path], tmp_path / "no.duckdb")
    assert [path.name for path in batch.files] == [TICKS]
    assert batch.passed_over == (empty,)


def test_files_are_those_of_a_stated_symbol(store, tmp_path):
    report = import_file(store, bi5(tmp_path, BID, candles()), "USDJPY.DUKA")
    assert report.symbols == ("USDJPY.DUKA",)
    with pytest.raises(DataError, match="import the bid first"):
        import_file(store, bi5(tmp_path, ASK, candles(above=12)), "USDJPY")
