"""Importing real files, where a folder of them is named."""

import dataclasses
import gzip
import json

import numpy as np
import pytest

from market_files import refused
from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import load_history
from mlx_muzero.market.importers import import_file
from mlx_muzero.market.importers.order_book import OrderBook
from mlx_muzero.market.observation.frames import market_feature_names
from mlx_muzero.market.sessions import SPLITS
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.staging import ASK_COLUMNS, EXTRA_COLUMNS
from mlx_muzero.timeunits import HOUR_NS


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


def test_ticks_of_truefx(real_data, store):
    report = import_file(store, real_data / "raw/truefx_usdjpy-ticks.csv", "USDJPY")
    assert (report.format, report.rows, report.rejected_count) == ("ticks", 34, 0)
    assert store.load("USDJPY").volume.sum() == 1000


def test_ticks_of_dukascopy_are_its_own_bars(real_data, tmp_path):
    day = real_data / "raw/dukascopy/EURUSD/2019/01/04"
    found = []
    for name in (("BID_candles_min_1.bi5", "ASK_candles_min_1.bi5"), ("10h_ticks.bi5",)):
        with BarStore(tmp_path / f"{len(name)}.duckdb") as store:
            reports = [import_file(store, day / file) for file in name]
            found.append(store.load("EURUSD", extras=ASK_COLUMNS))
    assert (len(found[0]), reports[0].rows) == (1440, 60)
    candles, ticks = found[0].slice(600, 660), found[1]
    for column in ("open_time_ns", "open", "high", "low", "close"):
        assert np.array_equal(getattr(candles, column), getattr(ticks, column))
    for column in ASK_COLUMNS:
        assert np.array_equal(candles.extras[column], ticks.extras[column])
    assert np.array_equal(candles.volume, ticks.volume)


@pytest.mark.parametrize(
    ("name", "symbol", "count"),
    [
        ("adausdt/20221213_trade.zip", "ADAUSDT", 1440),
        ("adausdt/20221213_quote.zip", "ADAUSDT", 1100),
        ("btcusd/20221213_trade.zip", "BTCUSD_PERP", 1439),
        ("btcusd/20221213_quote.zip", "BTCUSD_PERP", 1104),
    ],
)
def test_lean(real_data, store, name, symbol, count):
    report = import_file(store, real_data / "raw/lean/cryptofuture/binance/minute" / name)
    assert (report.symbols, report.rows, report.rejected_count) == ((symbol,), count, 0)
    assert utc_text(report.first_ns) == "2022-12-13 00:00"


def test_the_hour_written_twice_is_kept_once(real_data, usdjpy, store):
    raw = real_data / "raw/histdata/DAT_MT_USDJPY_M1_2019_Oct-Nov_excerpt.zip"
    report = import_file(store, raw, "USDJPY")
    assert (report.format, report.duplicates) == ("histdata-mt", 60)
    found = store.load("USDJPY")
    expected = usdjpy.load("USDJPY").between(found.open_time_ns[0], found.open_time_ns[-1] + 1)
    assert np.array_equal(found.open_time_ns, expected.open_time_ns)
    assert np.array_equal(found.close, expected.close)


def test_corrupt_histdata_is_refused(real_data, store):
    path = real_data / "raw/histdata/DAT_ASCII_AUDJPY_M1_2005_dirty_excerpt.zip"
    refused(store, path, "other instruments", "Saturday", "line 28635", symbol="AUDJPY")


def test_metatrader_on_its_brokers_clock(real_data, store):
    report = import_file(store, real_data / "raw/mt4/USDJPY1.csv")
    assert (report.format, report.clock, report.rows) == ("mt4", "UTC+2", 21_467)
    bars = store.load("USDJPY")
    payrolls = int(np.datetime64("2017-02-03T13:30", "ns").astype(np.int64))
    assert bars.volume.argmax() in np.flatnonzero(np.abs(bars.open_time_ns - payrolls) < HOUR_NS)


def test_fxcm_text_and_table_agree(real_data, store):
    import_file(store, real_data / "raw/usdjpy-m1-bid-2013_head.csv", "USDJPY")
    path = real_data / "fx/USDJPY_M1_2013-02_bidask_fxcm.parquet"
    report = import_file(store, path, "USDJPY")
    assert (report.duplicates, report.filled, report.conflicts) == (10_000, 10_000, 0)
    bars = store.load("USDJPY", extras=EXTRA_COLUMNS)
    spread = bars.extras["close_ask"] - bars.close
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
    assert "taker_buy_volume" in store.load(symbol, extras=EXTRA_COLUMNS).extras


def test_what_is_not_minute_bars_is_refused(real_data, store):
    path = real_data / "raw/binance/futures-um-klines-BTCUSDT-1h-2024-10-28.zip"
    refused(store, path, symbol="BTCUSDT")


def test_crypto_of_many_symbols(real_data, store):
    report = import_file(store, real_data / "crypto/binance_um_klines_taker_1m_2023-02.parquet")
    assert (len(report.symbols), report.inserted) == (5, 201_600)


def test_pairs_and_their_funding_become_one_dataset(real_data, store):
    report = import_file(store, real_data / "crypto/binance_um_1m_2025-05.parquet")
    assert (len(report.symbols), report.inserted) == (11, 11 * 43_171)
    report = import_file(store, real_data / "crypto/binance_um_funding.parquet")
    assert (len(report.symbols), report.inserted, report.rows) == (16, 4_140, 4_140)
    market = CRYPTO.market
    assert set(market.symbols) < set(report.symbols)
    histories = [load_history(store, symbol, market) for symbol in market.symbols]
    dataset = MarketDataset.of_pairs(histories, market)
    assert len(dataset.close) == 11 * 43_171
    # Three settlements a day for thirty days; those of BNB are mostly of nothing.
    paid = np.bincount(dataset.pair, dataset.funding_rate != 0)
    assert (np.delete(paid, market.symbols.index("BNBUSDT")) > 85).all()
    known = market_feature_names(market).index("funding_rate_known")
    for split in SPLITS:
        starts = dataset.evaluation_starts(split)
        assert set(dataset.pair[starts]) == set(range(11))
        windows = dataset.windows(starts)
        assert np.isfinite(windows).all()
        assert (np.abs(windows) <= 1).all()
        assert windows[:, -1, known].mean() > 0.97


def test_real_klines_tell_the_takers_share(real_data, store):
    import_file(store, real_data / "crypto/binance_um_klines_taker_1m_2023-02.parquet")
    config = dataclasses.replace(CRYPTO.market, symbols=("AVAXUSDT",))
    share = load_history(store, "AVAXUSDT", config).series["taker_buy_share"]
    assert len(share) == 40_320
    assert share.value.min() >= 0
    assert share.value.max() <= 1
    assert abs(share.value.mean() - 0.5) < 0.02


def test_real_trades(real_data, store):
    name = "raw/binance/futures-APEUSDT-aggTrades-2024-10-18.zip"
    report = import_file(store, real_data / name, "APEUSDT")
    assert (report.symbols, report.rows) == (("APEUSDT",), 45_342)
    share = store.load_series("APEUSDT", "taker_buy_share")
    count = store.load_series("APEUSDT", "trade_count")
    assert 1_300 < len(share) <= 1_440
    assert count.value.sum() >= 45_342
    assert abs(share.value.mean() - 0.5) < 0.1


def test_a_real_capture_of_a_book(real_data, store):
    report = import_file(store, real_data / "raw/orderbook/binance_usdm_btcusdt_20240808.gz")
    assert (report.symbols, report.rows) == (("BTCUSDT",), 6_551 + 66_089 + 21_313 + 1)
    assert not any("missing" in note for note in report.notes)
    imbalance = store.load_series("BTCUSDT", "book_imbalance")
    assert len(imbalance) == 6
    assert (np.abs(imbalance.value) < 1).all()
    assert len(np.unique(imbalance.value)) == 6


def test_the_real_book_has_the_best_prices_that_the_exchange_tells(real_data):
    book, tickers, compared = OrderBook(), {}, 0
    with gzip.open(real_data / "raw/orderbook/binance_usdm_btcusdt_20240808.gz", "rt") as text:
        messages = [json.loads(line[20:]) for line in text]
    for message in messages:
        if message.get("data", {}).get("e") == "bookTicker":
            data = message["data"]
            tickers[data["u"]] = (float(data["b"]), float(data["a"]))
    for message in messages:
        if "lastUpdateId" in message:
            book.snapshot(message)
        elif message["data"]["e"] == "depthUpdate":
            book.update(message["data"])
            told = tickers.get(message["data"]["u"])
            if book.known and told is not None:
                assert book.best() == told
                compared += 1
    assert book.breaks == 0
    assert compared > 100
