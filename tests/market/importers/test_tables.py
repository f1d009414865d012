"""Parquet files as tools write them: any type of time, and the usual names of columns."""

import duckdb
import numpy as np
import pytest

from examples import cases
from market_files import MONDAY_NS, refused, walk
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import Choices, detect_format, import_file, parse_columns
from mlx_muzero.market.store.staging import EXTRA_COLUMNS
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS

N = 20
COLUMNS = {"open": 0, "high": 1, "low": 2, "close": 3}


def parquet(path, select, n=N):
    """A file of `n` minutes; `select` makes its columns of `t` (nanoseconds), o, h, l and c."""
    opens = MONDAY_NS + MINUTE_NS * np.arange(n)
    bars = dict(zip("ohlc", walk(n), strict=True)) | {"t": opens}
    db = duckdb.cursor()
    db.execute("set timezone = 'UTC'")
    db.register("bars", bars)
    db.execute(f"copy (select {select} from bars) to '{path}'")
    return path


def require_bars(store, symbol="BTCUSDT", first_ns=MONDAY_NS):
    bars = store.load(symbol)
    assert bars.open_time_ns.tolist() == [first_ns + MINUTE_NS * i for i in range(N)]
    assert np.array_equal([bars.open, bars.high, bars.low, bars.close], walk(N))


PRICES = "o as open, h as high, l as low, c as close"
TIMES = {
    "ns": "make_timestamp_ns(t) as timestamp",
    "us": "make_timestamp(t // 1000) as timestamp",
    "ms": "make_timestamp(t // 1000)::timestamp_ms as timestamp",
    "s": "make_timestamp(t // 1000)::timestamp_s as timestamp",
    "us-zoned": "make_timestamp(t // 1000)::timestamptz as timestamp",
    "polars": "make_timestamp(t // 1000) as datetime",
    "pandas-index": "make_timestamp_ns(t) as __index_level_0__",
    "pandas-reset-index": "make_timestamp_ns(t) as index",
    "yfinance": "make_timestamp(t // 1000)::timestamptz as Datetime",
    "binance-ms": "t // 1000000 as open_time",
    "epoch-s": "(t // 1000000000)::integer as unix",
    "epoch-us": "(t // 1000)::ubigint as ts",
    "epoch-ns": "t as time",
    "epoch-float": "(t / 1e9)::double as time",
    "iso": "strftime(make_timestamp(t // 1000), '%Y-%m-%dT%H:%M:%SZ') as Date",
    "duckdb-text": "make_timestamp(t // 1000)::timestamptz::varchar as Date",
    "iso-without-zone": "make_timestamp(t // 1000)::varchar as Date",
    "date-and-time": 'make_timestamp(t // 1000)::date as "Date", make_timestamp(t // 1000)::time'
    ' as "Time"',
    "date-and-time-texts": "strftime(make_timestamp(t // 1000), '%Y.%m.%d') as \"<DATE>\","
    " strftime(make_timestamp(t // 1000), '%H:%M') as \"<TIME>\"",
    "a-day-beside": "make_timestamp(t // 1000)::date as date, make_timestamp(t // 1000) as ts",
}


@pytest.mark.parametrize("time", cases(8, TIMES))
def test_any_type_of_time(store, tmp_path, time):
    path = parquet(tmp_path / "BTCUSDT.parquet", f"{TIMES[time]}, {PRICES}")
    assert detect_format(path) == "parquet"
    report = import_file(store, path, choices=Choices(stamps="open"))
    assert (report.rows, report.rejected_count, report.clock) == (N, 0, "UTC")
    require_bars(store)
    assert import_file(store, path).already_imported


def test_a_time_without_a_zone_takes_a_clock_and_one_with_a_zone_does_not(store, tmp_path):
    path = parquet(tmp_path / "BTCUSDT.parquet", f"{TIMES['iso-without-zone']}, {PRICES}")
    import_file(store, path, clock="UTC+2")
    require_bars(store, first_ns=MONDAY_NS - 2 * HOUR_NS)
    zoned = parquet(tmp_path / "ETHUSDT.parquet", f"{TIMES['iso']}, {PRICES}")
    with pytest.raises(DataError, match="leave --clock out"):
        import_file(store, zoned, clock="UTC+2")


def test_usual_names_of_columns(store, tmp_path):
    select = (
        "t // 1000000 as open_time, o as Open, h as High, l as Low, c as Close, 7 as Volume,"
        " 735 as quote_asset_volume, 3 as number_of_trades, 4 as taker_buy_base_asset_volume,"
        " 'BTC/USDT' as ticker, 1 as other"
    )
    report = import_file(store, parquet(tmp_path / "export.parquet", select))
    assert report.symbols == ("BTCUSDT",)
    assert "columns not used: other" in report.notes
    require_bars(store)
    extras = store.load("BTCUSDT", extras=EXTRA_COLUMNS).extras
    assert (extras["quote_volume"] == 735).all()
    assert (extras["trades"] == 3).all()
    assert (extras["taker_buy_volume"] == 4).all()


def test_the_stores_own_names_stand_before_others(store, tmp_path):
    select = f"{TIMES['ns']}, {PRICES}, 7.0 as volume, 9.0 as tick_volume"
    import_file(store, parquet(tmp_path / "BTCUSDT.parquet", select))
    assert (store.load("BTCUSDT").volume == 7).all()


def test_unusual_names_are_given(store, tmp_path):
    select = 'make_timestamp_ns(t) as "Zeit", o as a, h as b, l as d, c as e'
    path = parquet(tmp_path / "BTCUSDT.parquet", select)
    refused(store, path, "no column timestamp, open, high, low, close", "--columns time=NAME,open")
    chosen = parse_columns("time=Zeit,open=a,high=b,low=d,close=e")
    report = import_file(store, path, choices=Choices(columns=tuple(chosen.items())))
    assert report.rows == N
    require_bars(store)
    refused_choice = Choices(columns=(("time", "Stempel"),))
    with pytest.raises(DataError, match="no column Stempel; it has Zeit"):
        import_file(store, path, choices=refused_choice)


@pytest.mark.parametrize(
    ("time", "part"),
    [
        ("'yesterday' as time", "'yesterday'"),
        ("true as time", "is BOOLEAN"),
        ("strftime(make_timestamp(t // 1000), '%d/%m/%Y %H:%M') as time", "may be DD/MM/YYYY"),
        ("make_timestamp(t // 1000)::date as date", "is DATE"),
    ],
)
def test_a_column_without_times_is_refused(store, tmp_path, time, part):
    path = parquet(tmp_path / "BTCUSDT.parquet", f"{time}, {PRICES}")
    refused(store, path, part, "write")


@pytest.mark.parametrize("time", ["iso", "binance-ms", "ns"])
def test_rows_without_a_time_are_left_out(store, tmp_path, time):
    missing = f"case when t = {MONDAY_NS} then null else {TIMES[time].split(' as ')[0]} end"
    name = TIMES[time].split(" as ")[1]
    path = parquet(tmp_path / "BTCUSDT.parquet", f"{missing} as {name}, {PRICES}")
    report = import_file(store, path, choices=Choices(skip_bad_rows=True))
    assert (report.rows, report.rejected[0].reason) == (N - 1, "the time is missing")
