"""Importing files: every format, what is left out and why, and what is refused whole."""

import os
import shutil
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pytest

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import HOUR_NS, MINUTE_NS
from mlx_muzero.market.features import FEATURE_NAMES
from mlx_muzero.market.importers import FORMATS, detect_format, import_file, import_order
from mlx_muzero.market.importers.micro_features import LAGS
from mlx_muzero.market.store import BarStore

DATA = os.environ.get("MLX_MUZERO_TEST_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="MLX_MUZERO_TEST_DATA names no data folder")

MONDAY_NS = int(np.datetime64("2021-03-01T00:00", "ns").astype(np.int64))


@pytest.fixture
def store(tmp_path):
    with BarStore(tmp_path / "market.duckdb") as opened:
        yield opened


def walk(n, seed=0):
    """Open, high, low, close of a small random walk, with three decimals."""
    steps = np.random.default_rng(seed).normal(0, 0.005, n + 1)
    price = np.round(105 + np.cumsum(steps), 3)
    o, c = price[:-1], price[1:]
    return o, np.maximum(o, c) + 0.002, np.minimum(o, c) - 0.002, c


def rows(stamp, n=200, tail="", delimiter=",", start=MONDAY_NS, seed=0):
    """Text rows of `n` minutes; `stamp` is a strftime format."""
    times = (start + np.arange(n) * MINUTE_NS).astype("M8[ns]").astype("M8[s]").tolist()
    return [
        delimiter.join([t.strftime(stamp), *(f"{x:.3f}" for x in prices)]) + tail
        for t, prices in zip(times, zip(*walk(n, seed), strict=True), strict=True)
    ]


def write(path, lines, head=None):
    path.write_text("\n".join(([head] if head else []) + lines) + "\n")
    return path


def ascii_file(path, n=200, **options):
    return write(path, rows("%Y%m%d %H%M%S", n, ";0", ";", **options))


def binance_rows(n=30, unit=10**6):
    values = zip(*walk(n), strict=True)
    return [
        ",".join(
            [
                str((MONDAY_NS + i * MINUTE_NS) // unit),
                *(f"{x:.3f}" for x in prices),
                *(f"{i}.5", "0", "100.25", "7", "2.5", "50.125", "0"),
            ]
        )
        for i, prices in enumerate(values)
    ]


BINANCE_HEAD = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore"
)


def test_histdata_ascii_is_read_on_its_own_clock(store, tmp_path):
    report = import_file(store, ascii_file(tmp_path / "DAT_ASCII_USDJPY_M1_2021.csv"))
    assert (report.symbols, report.format) == (("USDJPY",), "histdata-ascii")
    assert (report.rows, report.inserted, report.rejected_count) == (200, 200, 0)
    assert "London local time minus 5 h" in report.clock
    bars = store.load("USDJPY")
    assert bars.open_time_ns[0] == MONDAY_NS + 5 * HOUR_NS
    for found, made in zip((bars.open, bars.high, bars.low, bars.close), walk(200), strict=True):
        assert np.array_equal(found, np.round(made, 3))
    assert np.isnan(bars.volume).all()


def test_the_same_file_again_changes_nothing(store, tmp_path):
    path = ascii_file(tmp_path / "USDJPY.csv")
    import_file(store, path)
    again = import_file(store, shutil.copy(path, tmp_path / "USDJPY_copy.csv"))
    assert again.already_imported
    assert len(store.load("USDJPY")) == 200
    assert len(store.imports()) == 1
    with pytest.raises(DataError, match="already imported with clock histdata"):
        import_file(store, path, clock="UTC")


def test_histdata_mt_and_mt4_are_told_apart_by_the_volume(store, tmp_path):
    silent = write(tmp_path / "a.csv", rows("%Y.%m.%d,%H:%M", tail=",0"))
    ticks = write(tmp_path / "b.csv", rows("%Y.%m.%d,%H:%M", tail=",12"))
    assert detect_format(silent) == "histdata-mt"
    assert detect_format(ticks) == "mt4"
    import_file(store, ticks, "USDJPY", clock="UTC+2")
    bars = store.load("USDJPY")
    assert bars.open_time_ns[0] == MONDAY_NS - 2 * HOUR_NS
    assert (bars.volume == 12).all()
    with pytest.raises(DataError, match="name it"):
        import_file(store, ticks, "EURUSD")


def test_fxcm_bid_and_ask_files_become_one_set_of_bars(store, tmp_path):
    head = "timestamp,open,high,low,close"
    stamp = "%Y-%m-%d %H:%M:%S+00:00"
    bid = write(tmp_path / "usdjpy-m1-bid-2021.csv", rows(stamp), head)
    ask = write(tmp_path / "usdjpy-m1-ask-2021.csv", rows(stamp, 190, seed=1), head)
    assert import_order([ask, bid]) == [bid, ask]
    with pytest.raises(DataError, match="bid first"):
        import_file(store, ask)
    import_file(store, bid)
    report = import_file(store, ask)
    assert (report.inserted, report.filled) == (0, 190)
    close_ask = store.load_extras("USDJPY")["close_ask"]
    assert np.array_equal(close_ask[:190], walk(190, 1)[3])
    assert np.isnan(close_ask[190:]).all()
    assert np.array_equal(store.load("USDJPY").close, walk(200)[3])
    assert store.symbols()[0].has_ask


def test_one_table_of_bid_and_ask(store, tmp_path):
    lines = [
        f"{row},1.5,3.5,0.5,{1.0 + i / 100}"
        for i, row in enumerate(rows("%Y-%m-%dT%H:%M:%S+01:00"))
    ]
    head = "timestamp,open,high,low,close,open_ask,high_ask,low_ask,close_ask"
    import_file(store, write(tmp_path / "usdjpy.csv", lines, head))
    assert store.load("USDJPY").open_time_ns[0] == MONDAY_NS - HOUR_NS
    assert store.load_extras("USDJPY")["close_ask"][7] == 1.07


@pytest.mark.parametrize("unit", [10**6, 10**3])
@pytest.mark.parametrize("head", [None, BINANCE_HEAD])
def test_binance_klines_with_or_without_header_in_either_unit(store, tmp_path, unit, head):
    path = write(tmp_path / "AVAXUSDT-1m-2021-03.csv", binance_rows(unit=unit), head)
    packed = tmp_path / "AVAXUSDT-1m-2021-03.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    report = import_file(store, packed)
    assert (report.symbols, report.rows, report.rejected_count) == (("AVAXUSDT",), 30, 0)
    assert store.load("AVAXUSDT").open_time_ns[0] == MONDAY_NS
    extras = store.load_extras("AVAXUSDT")
    assert (extras["trades"] == 7).all()
    assert (extras["taker_buy_quote_volume"] == 50.125).all()
    with pytest.raises(DataError, match="is in UTC"):
        import_file(store, path, "AVAX", clock="UTC+2")


def parquet(path, symbols=("BTCUSDT", "ETHUSDT"), n=50, stamp="timestamptz"):
    parts = [
        f"""select '{s}' as symbol, make_timestamp({MONDAY_NS // 1000} + i * 60000000)::{stamp}
            as "timestamp", 10.0 + i as open, 11.0 + i as high, 9.0 + i as low, 10.5 + i as close,
            1.0 as volume from range({n}) t(i)"""
        for s in symbols
    ]
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        db.execute(f"copy ({' union all '.join(parts)}) to '{path}' (format parquet)")
    return path


def test_parquet_of_several_symbols_all_or_one(store, tmp_path):
    path = parquet(tmp_path / "crypto.parquet")
    one = import_file(store, path, symbol="ETHUSDT")
    assert (one.symbols, one.inserted) == (("ETHUSDT",), 50)
    both = import_file(store, path)
    assert (both.inserted, both.duplicates) == (50, 50)
    assert import_file(store, path).already_imported
    assert [s.bars for s in store.symbols()] == [50, 50]
    assert store.load("BTCUSDT").open_time_ns[-1] == MONDAY_NS + 49 * MINUTE_NS
    with pytest.raises(DataError, match="BTCUSDT, ETHUSDT"):
        import_file(store, path, symbol="XRPUSDT")


def test_bad_rows_are_left_out_with_file_line_and_reason(store, tmp_path):
    lines = rows("%Y%m%d %H%M%S", 500, ";0", ";")
    lines[3] = "garbage"
    lines[10] = lines[10].replace(";", ";-", 1)
    lines[20] = "20210230 002000;1;1;1;1;0"
    lines[30] = lines[30][:15] + ";105;104;106;105;0"
    lines[40] = lines[40].replace("00;", "30;", 1)
    lines[50] = lines[50][:15] + ";x;106;104;105;0"
    lines[60] = lines[59][:15] + ";105;106;104;105;0"
    lines.insert(70, "")
    path = write(tmp_path / "USDJPY.csv", lines)
    report = import_file(store, path)
    assert (report.rows, report.rejected_count) == (493, 7)
    assert [r.line for r in report.rejected] == [4, 11, 21, 31, 41, 51, 61]
    reasons = [r.reason for r in report.rejected]
    for reason, part in zip(
        reasons,
        ("fields", "negative", "time", "low to high", "minute", "open is not", "came before"),
        strict=True,
    ):
        assert part in reason
    assert report.rejected[0].text == "garbage"
    assert len(store.load("USDJPY")) == 493


def test_lines_are_counted_across_chunks(store, tmp_path, monkeypatch):
    monkeypatch.setattr("mlx_muzero.market.importers.text.CHUNK_BYTES", 1000)
    lines = rows("%Y%m%d %H%M%S", 300, ";0", ";")
    lines[250] = "broken"
    seen = []
    path = write(tmp_path / "USDJPY.csv", lines)
    report = import_file(store, path, progress=lambda done, total: seen.append((done, total)))
    assert [r.line for r in report.rejected] == [251]
    assert report.rows == 299
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    assert len(seen) > 5


def test_rows_that_came_twice_are_kept_once(store, tmp_path):
    lines = rows("%Y%m%d %H%M%S", 300, ";0", ";")
    path = write(tmp_path / "USDJPY.csv", lines[:180] + lines[120:])
    report = import_file(store, path)
    assert (report.rows, report.inserted, report.duplicates) == (360, 300, 60)
    assert report.rejected_count == 0
    assert store.imports()[0].repeats == 60


def refused(store, path, *parts, **options):
    with pytest.raises(DataError) as error:
        import_file(store, path, **options)
    for part in parts:
        assert part in str(error.value)
    assert store.symbols() == []
    assert store.imports() == []


def test_an_import_that_is_interrupted_leaves_nothing(store, tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    path = ascii_file(tmp_path / "USDJPY.csv")
    with pytest.raises(KeyboardInterrupt):
        import_file(store, path, progress=interrupt)
    assert store.symbols() == []
    assert import_file(store, path).inserted == 200


def test_a_file_of_mixed_instruments_is_refused_whole(store, tmp_path):
    lines = rows("%Y%m%d %H%M%S", 2000, ";0", ";")
    for i in range(500, 560, 2):
        lines[i] = lines[i][:15] + ";1.1;1.2;1.0;1.1;0"
    refused(store, write(tmp_path / "USDJPY.csv", lines), "line 501", "other instruments")


def test_saturday_bars_and_a_wrong_clock_are_refused(store, tmp_path):
    saturday = MONDAY_NS + 5 * 24 * HOUR_NS
    path = ascii_file(tmp_path / "USDJPY.csv", start=saturday)
    refused(store, path, "200 bars fall on a Saturday", "clock", "line 1:")
    assert import_file(store, path, "BTCUSDT", clock="UTC").inserted == 200


def test_a_file_of_garbage_is_refused(store, tmp_path):
    lines = rows("%Y%m%d %H%M%S", 300, ";0", ";")
    lines[100:150] = ["###"] * 50
    refused(store, write(tmp_path / "USDJPY.csv", lines), "50 of 300 rows", "line 101")


def test_bars_that_are_not_of_a_minute_are_refused(store, tmp_path):
    lines = rows("%Y%m%d %H%M%S", 600, ";0", ";")[::60]
    refused(store, write(tmp_path / "USDJPY.csv", lines), "60 minutes")


def test_unknown_formats_and_damaged_files_say_what_is_known(store, tmp_path):
    path = write(tmp_path / "USDJPY.csv", ["timestamp,bid,ask", "2013-01-01,1,2"])
    refused(store, path, "no known format", *FORMATS)
    refused(store, path, "no format is called", format_name="excel")
    refused(store, path, "no good row", format_name="histdata-ascii")
    refused(store, tmp_path / "none.csv", "no such file")
    empty = tmp_path / "EURUSD.csv"
    empty.touch()
    refused(store, empty, "(empty)")
    damaged = tmp_path / "AVAXUSDT-1m-2021-03.zip"
    damaged.write_bytes(b"PK\x03\x04 and no more")
    refused(store, damaged, "cannot be read")
    torn = parquet(tmp_path / "torn.parquet")
    torn.write_bytes(torn.read_bytes()[:200])
    refused(store, torn, "torn.parquet")


def test_a_symbol_that_nothing_names_is_asked_for(store, tmp_path):
    refused(store, ascii_file(tmp_path / "2021.csv"), "give a symbol")


def test_another_feed_under_the_same_name_is_refused(store, tmp_path):
    import_file(store, ascii_file(tmp_path / "USDJPY.csv"))
    other = ascii_file(tmp_path / "USDJPY_other.csv", seed=5)
    with pytest.raises(DataError, match="under another symbol"):
        import_file(store, other)
    assert np.array_equal(store.load("USDJPY").close, walk(200)[3])
    assert import_file(store, other, "USDJPY_B").inserted == 200


def micro_features(path, n=400, gap_after=200, ohlc=False, spoil=None, stamp="timestamp"):
    """FX's table: lag k of row t is lag 0 of row t - k; the minute gap has other lags."""
    rng = np.random.default_rng(0)
    minutes = np.arange(n) + 100 * (np.arange(n) >= gap_after)
    columns = {"timestamp": MONDAY_NS + minutes * MINUTE_NS, "close": walk(n)[3]}
    if ohlc:
        columns |= dict(zip(("open", "high", "low"), walk(n)[:3], strict=True))
    for feature in FEATURE_NAMES:
        now = rng.random(n).astype(np.float32)
        for lag in range(LAGS):
            columns[f"{feature}_{lag}"] = np.roll(now, lag).astype(float)
            columns[f"{feature}_{lag}"][:lag] = np.nan
    if spoil:
        columns[spoil][300] += 0.25
    times = columns.pop("timestamp")
    table = {"t": times, **columns}
    with duckdb.connect(str(path)) as db:
        db.execute("set timezone = 'UTC'")
        db.register("made", table)
        names = ", ".join(f'"{name}"' for name in columns)
        db.execute(
            f"""create table micro_features as
                select make_timestamp_ns(t)::{stamp} as "timestamp", {names}, 'x' as origin
                from made order by random()"""
        )
    return path


@pytest.mark.parametrize("stamp", ["timestamp", "timestamptz"])
def test_the_feature_table_of_fx_gives_bars_once_its_lags_agree(
    store, tmp_path, monkeypatch, stamp
):
    monkeypatch.setattr("mlx_muzero.market.importers.micro_features.ROWS_PER_BATCH", 90)
    path = micro_features(tmp_path / "micro_features_usdjpy.db", ohlc=True, stamp=stamp)
    report = import_file(store, path, "USDJPY")
    assert (report.format, report.inserted) == ("micro-features", 400)
    assert any("288 lagged columns" in note for note in report.notes)
    bars = store.load("USDJPY")
    assert np.array_equal(bars.close, walk(400)[3])
    assert np.array_equal(bars.high, walk(400)[1])
    assert bars.open_time_ns[0] == MONDAY_NS


def test_a_feature_table_with_only_closes_says_what_its_bars_are(store, tmp_path):
    report = import_file(store, micro_features(tmp_path / "m.db"), "USDJPY")
    assert any("no open, high, low" in note for note in report.notes)
    bars = store.load("USDJPY")
    assert np.array_equal(bars.high, bars.close)
    assert np.array_equal(bars.open, bars.close)


def test_a_feature_table_whose_lags_disagree_is_refused(store, tmp_path):
    path = micro_features(tmp_path / "m.db", spoil="hour_sin_final_7")
    refused(store, path, "hour_sin_final_7", "row", "7 rows earlier", symbol="USDJPY")
    with duckdb.connect(str(path)) as db:
        db.execute("alter table micro_features drop column price_change_pips_31")
    refused(store, path, "price_change_pips_31", symbol="USDJPY")
    with duckdb.connect(str(tmp_path / "o.db")) as db:
        db.execute("create table t(x int)")
    refused(store, tmp_path / "o.db", "without a table micro_features", symbol="USDJPY")


@pytest.fixture(scope="module")
def usdjpy(tmp_path_factory):
    """The six real years of USDJPY, imported once."""
    with BarStore(tmp_path_factory.mktemp("real") / "market.duckdb") as store:
        report = import_file(store, Path(DATA) / "fx/USDJPY_M1_2015-2020.parquet")
        assert (report.inserted, report.rejected_count) == (2_232_071, 0)
        assert report.seconds < 60
        yield store


@needs_data
class TestRealFiles:
    """Real files of HistData, FXCM, MetaTrader and Binance."""

    data = Path(DATA or ".")

    def test_raw_histdata_of_2018_equals_the_converted_bars(self, usdjpy, store):
        raw = self.data / "raw/histdata/HISTDATA_COM_ASCII_USDJPY_M12018.zip"
        assert import_file(store, raw).inserted == 371_800
        found = store.load("USDJPY")
        expected = usdjpy.load("USDJPY").between(found.open_time_ns[0], found.open_time_ns[-1] + 1)
        for name in ("open_time_ns", "open", "high", "low", "close"):
            assert np.array_equal(getattr(found, name), getattr(expected, name))

    def test_the_hour_written_twice_is_kept_once(self, usdjpy, store):
        raw = self.data / "raw/histdata/DAT_MT_USDJPY_M1_2019_Oct-Nov_excerpt.zip"
        report = import_file(store, raw)
        assert (report.format, report.duplicates) == ("histdata-mt", 60)
        found = store.load("USDJPY")
        expected = usdjpy.load("USDJPY").between(found.open_time_ns[0], found.open_time_ns[-1] + 1)
        assert np.array_equal(found.open_time_ns, expected.open_time_ns)
        assert np.array_equal(found.close, expected.close)

    def test_corrupt_histdata_is_refused(self, store):
        path = self.data / "raw/histdata/DAT_ASCII_AUDJPY_M1_2005_dirty_excerpt.zip"
        refused(store, path, "other instruments", "Saturday", "line 28635")

    def test_metatrader_on_its_brokers_clock(self, store):
        report = import_file(store, self.data / "raw/mt4/USDJPY1.csv")
        assert (report.format, report.clock, report.rows) == ("mt4", "UTC+2", 21_467)
        bars = store.load("USDJPY")
        payrolls = int(np.datetime64("2017-02-03T13:30", "ns").astype(np.int64))
        assert bars.volume.argmax() in np.flatnonzero(
            np.abs(bars.open_time_ns - payrolls) < HOUR_NS
        )

    def test_fxcm_text_and_table_agree(self, store):
        import_file(store, self.data / "raw/usdjpy-m1-bid-2013_head.csv")
        report = import_file(store, self.data / "fx/USDJPY_M1_2013-02_bidask_fxcm.parquet")
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
    def test_binance(self, store, name, symbol, count):
        report = import_file(store, self.data / "raw/binance" / name)
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
    def test_what_is_not_minute_bars_is_refused(self, store, name):
        refused(store, self.data / "raw/binance" / name, symbol="BTCUSDT")

    def test_crypto_of_many_symbols(self, store):
        report = import_file(store, self.data / "crypto/binance_um_klines_taker_1m_2023-02.parquet")
        assert (len(report.symbols), report.inserted) == (5, 201_600)
