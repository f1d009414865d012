"""Freqtrade's files: feather, JSON and parquet, of bars and of funding rates."""

import gzip
import json
import sys

import duckdb
import numpy as np
import pytest

from market_files import MONDAY_NS, refused, walk
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import detect_format, import_file
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS

COLUMNS = ("date", "open", "high", "low", "close", "volume")
RATES = [0.0001, -0.00025, 0.0]
SETTLED_NS = [MONDAY_NS + 8 * HOUR_NS * i for i in range(3)]


def bar_columns(n=200):
    times = MONDAY_NS + MINUTE_NS * np.arange(n)
    return dict(zip(COLUMNS, (times, *walk(n), np.full(n, 7.0)), strict=True))


def funding_columns():
    zero = np.zeros(3)
    return dict(zip(COLUMNS, (np.array(SETTLED_NS), RATES, zero, zero, zero, zero), strict=True))


def feather(path, columns, unit="ns", **options):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import feather as format_

    per_unit = {"ns": 1, "us": 10**3, "ms": 10**6}[unit]
    dates = arrow.array(columns["date"] // per_unit, arrow.timestamp(unit, "UTC"))
    format_.write_feather(arrow.table({**columns, "date": dates}), str(path), **options)
    return path


def parquet(path, columns):
    rows = [tuple(np.asarray(column)[i] for column in columns.values()) for i in range(3)]
    values = ", ".join(
        f"(make_timestamp_ns({date}), {', '.join(str(float(x)) for x in rest)})"
        for date, *rest in rows
    )
    duckdb.sql(f"copy (from (values {values}) t({', '.join(columns)})) to '{path}'")
    return path


def as_json(path, columns):
    dates = np.asarray(columns["date"]) // 10**6
    rest = [np.asarray(columns[name]).tolist() for name in COLUMNS[1:]]
    text = json.dumps(list(map(list, zip(dates.tolist(), *rest, strict=True)))).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
@pytest.mark.parametrize("name", ["BTC_USDT-1m", "BTC_USDT_USDT-1m-futures"])
def test_feather(store, tmp_path, unit, name):
    path = feather(tmp_path / f"{name}.feather", bar_columns(), unit, chunksize=50)
    assert detect_format(path) == "feather"
    report = import_file(store, path)
    assert (report.symbols, report.format, report.rows) == (("BTCUSDT",), "feather", 200)
    bars = store.load("BTCUSDT")
    assert np.array_equal(bars.open_time_ns, bar_columns()["date"])
    assert np.array_equal([bars.open, bars.high, bars.low, bars.close], walk(200))
    assert (bars.volume == 7).all()
    assert import_file(store, path).already_imported


@pytest.mark.parametrize(
    ("ending", "write"),
    [("feather", feather), ("parquet", parquet), ("json", as_json), ("json.gz", as_json)],
)
def test_funding_rates_are_in_the_open(store, tmp_path, ending, write):
    path = write(tmp_path / f"BTC_USDT_USDT-8h-funding_rate.{ending}", funding_columns())
    assert detect_format(path) == "freqtrade-funding"
    report = import_file(store, path)
    assert (report.symbols, report.series, report.rows) == (("BTCUSDT",), ("funding_rate",), 3)
    series = store.load_series("BTCUSDT", "funding_rate")
    assert series.value.tolist() == RATES
    assert series.event_ns.tolist() == series.known_ns.tolist() == SETTLED_NS
    assert import_file(store, path).already_imported


def test_a_damaged_feather_file_is_refused(store, tmp_path):
    path = feather(tmp_path / "BTC_USDT-1m.feather", bar_columns())
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    refused(store, path, "is damaged, or not a feather file")
    path.write_bytes(data[:300] + bytes(400) + data[700:])
    with pytest.raises(DataError, match=r"BTC_USDT-1m.feather"):
        import_file(store, path)


def test_a_feather_file_that_grows_beyond_measure_is_refused(store, tmp_path, monkeypatch):
    monkeypatch.setattr("mlx_muzero.untrusted.expansion.SMALL", 1 << 20)
    columns = {name: np.zeros(200_000, np.int64) for name in COLUMNS}
    path = feather(tmp_path / "BTC_USDT-1m.feather", columns, compression="zstd")
    refused(store, path, "as no bars do")


def test_without_pyarrow_a_feather_file_says_what_to_install(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "BTC_USDT-1m.feather"
    path.write_bytes(b"ARROW1\0\0")
    refused(store, path, "pip install 'mlx_muzero[arrow]'", "parquet")
    path.write_bytes(b"\x28\xb5\x2f\xfd....")
    refused(store, path, "pip install 'mlx_muzero[arrow]'")
