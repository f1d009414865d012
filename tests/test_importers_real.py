"""Importing real files, where a folder of them is named."""

import numpy as np
import pytest

from market_files import refused
from mlx_muzero.market.bars import HOUR_NS
from mlx_muzero.market.importers import import_file
from mlx_muzero.market.store import BarStore


@pytest.fixture(scope="module")
def usdjpy(real_data, tmp_path_factory):
    """The six real years of USDJPY, imported once."""
    with BarStore(tmp_path_factory.mktemp("real") / "market.duckdb") as store:
        report = import_file(store, real_data / "fx/USDJPY_M1_2015-2020.parquet")
        assert (report.inserted, report.rejected_count) == (2_232_071, 0)
        assert report.seconds < 60
        yield store


def test_raw_histdata_of_2018_equals_the_converted_bars(real_data, usdjpy, store):
    raw = real_data / "raw/histdata/HISTDATA_COM_ASCII_USDJPY_M12018.zip"
    assert import_file(store, raw).inserted == 371_800
    found = store.load("USDJPY")
    expected = usdjpy.load("USDJPY").between(found.open_time_ns[0], found.open_time_ns[-1] + 1)
    for name in ("open_time_ns", "open", "high", "low", "close"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))


def test_the_hour_written_twice_is_kept_once(real_data, usdjpy, store):
    raw = real_data / "raw/histdata/DAT_MT_USDJPY_M1_2019_Oct-Nov_excerpt.zip"
    report = import_file(store, raw)
    assert (report.format, report.duplicates) == ("histdata-mt", 60)
    found = store.load("USDJPY")
    expected = usdjpy.load("USDJPY").between(found.open_time_ns[0], found.open_time_ns[-1] + 1)
    assert np.array_equal(found.open_time_ns, expected.open_time_ns)
    assert np.array_equal(found.close, expected.close)


def test_corrupt_histdata_is_refused(real_data, store):
    path = real_data / "raw/histdata/DAT_ASCII_AUDJPY_M1_2005_dirty_excerpt.zip"
    refused(store, path, "other instruments", "Saturday", "line 28635")


def test_metatrader_on_its_brokers_clock(real_data, store):
    report = import_file(store, real_data / "raw/mt4/USDJPY1.csv")
    assert (report.format, report.clock, report.rows) == ("mt4", "UTC+2", 21_467)
    bars = store.load("USDJPY")
    payrolls = int(np.datetime64("2017-02-03T13:30", "ns").astype(np.int64))
    assert bars.volume.argmax() in np.flatnonzero(np.abs(bars.open_time_ns - payrolls) < HOUR_NS)


def test_fxcm_text_and_table_agree(real_data, store):
    import_file(store, real_data / "raw/usdjpy-m1-bid-2013_head.csv")
    report = import_file(store, real_data / "fx/USDJPY_M1_2013-02_bidask_fxcm.parquet")
    assert (report.duplicates, report.filled, report.conflicts) == (10_000, 10_000, 0)
    spread = store.load_extras("USDJPY")["close_ask"] - store.load("USDJPY").close
    assert np.median(spread) == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("name", "symbol", "count"),
    [
        ("AVAXUSDT-1m-2024-02.zip", "AVAXUSDT", 41_760),
        ("ADABTC-1m-2021-11-27.csv", "ADABTC", 10),
    ],
)
def test_binance(real_data, store, name, symbol, count):
    report = import_file(store, real_data / "raw/binance" / name)
    assert (report.symbols, report.inserted, report.rejected_count) == ((symbol,), count, 0)
    assert "taker_buy_volume" in store.load_extras(symbol)


@pytest.mark.parametrize(
    "name",
    [
        "futures-APEUSDT-aggTrades-2024-10-18.zip",
        "futures-um-klines-BTCUSDT-1h-2024-10-28.zip",
        "../truefx_usdjpy-ticks.csv",
    ],
)
def test_what_is_not_minute_bars_is_refused(real_data, store, name):
    refused(store, real_data / "raw/binance" / name, symbol="BTCUSDT")


def test_crypto_of_many_symbols(real_data, store):
    report = import_file(store, real_data / "crypto/binance_um_klines_taker_1m_2023-02.parquet")
    assert (len(report.symbols), report.inserted) == (5, 201_600)
