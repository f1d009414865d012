"""Databento's minute bars: DBN written by its own package, csv and JSON."""

import sys
from datetime import date
from io import BytesIO
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest

from market_files import MONDAY_NS, refused, walk
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import detect_format, import_file
from mlx_muzero.market.instrument import Instrument
from mlx_muzero.timeunits import MINUTE_NS

N = 40
IDS = {"BTCH1": 1234, "ETHH1": 77}


@pytest.fixture
def store(store):
    """A store that knows how these futures trade."""
    for symbol in (*IDS, "1234", "77"):
        store.set_instrument(Instrument(symbol, market="crypto", pip_size=1.0))
    return store


def dbn(n=N, schema="OHLCV_1M"):
    package = pytest.importorskip("databento_dbn")
    days = {"start_date": date(2021, 3, 1), "end_date": date(2021, 3, 2)}
    metadata = package.Metadata(
        dataset="GLBX.MDP3",
        start=MONDAY_NS,
        stype_in=package.SType.RAW_SYMBOL,
        stype_out=package.SType.INSTRUMENT_ID,
        schema=getattr(package.Schema, schema),
        symbols=list(IDS),
        mappings=[
            SimpleNamespace(raw_symbol=name, intervals=[SimpleNamespace(symbol=str(id_), **days)])
            for name, id_ in IDS.items()
        ],
    )
    parts = [bytes(metadata)]
    for minute in range(n):
        for seed, id_ in enumerate(IDS.values()):
            prices = (round(float(x[minute]) * 1000) * 10**6 for x in walk(n, seed))
            time = MONDAY_NS + minute * MINUTE_NS
            parts.append(bytes(package.OHLCVMsg(33, 1, id_, time, *prices, 7)))
    return b"".join(parts)


def transcoded(encoding, pretty=True, map_symbols=True):
    package = pytest.importorskip("databento_dbn")
    out = BytesIO()
    kind = getattr(package.Encoding, encoding)
    made = package.Transcoder(out, kind, package.Compression.NONE, pretty, pretty, map_symbols)
    made.write(dbn())
    made.flush()
    return out.getvalue()


def packed(data):
    arrow = pytest.importorskip("pyarrow")
    return arrow.compress(data, codec="zstd", asbytes=True)


FORMS = {
    "dbn.zst": lambda: packed(dbn()),
    "dbn": dbn,
    "csv": lambda: transcoded("CSV"),
    "raw.csv": lambda: transcoded("CSV", pretty=False),
    "csv.zst": lambda: packed(transcoded("CSV")),
    "json": lambda: transcoded("JSON"),
    "raw.json": lambda: transcoded("JSON", pretty=False),
}


@pytest.mark.parametrize("ending", FORMS)
def test_every_encoding_has_the_same_bars(store, tmp_path, monkeypatch, ending):
    monkeypatch.setattr("mlx_muzero.market.importers.databento._BLOCK_BYTES", 999)
    path = tmp_path / f"glbx-mdp3-20210301.ohlcv-1m.{ending}"
    path.write_bytes(FORMS[ending]())
    assert detect_format(path) == "databento"
    report = import_file(store, path)
    assert (report.clock, report.rejected_count) == ("UTC", 0)
    assert [(one.symbol, one.rows) for one in report.by_symbol] == [("BTCH1", N), ("ETHH1", N)]
    for seed, symbol in enumerate(IDS):
        bars = store.load(symbol)
        assert bars.open_time_ns.tolist() == [MONDAY_NS + i * MINUTE_NS for i in range(N)]
        prices = [bars.open, bars.high, bars.low, bars.close]
        assert np.array_equal(prices, np.round(walk(N, seed), 3))
        assert (bars.volume == 7).all()
    assert import_file(store, path).already_imported


@pytest.mark.parametrize("unit", [1.0, 1e9])
def test_tables_of_databento_are_stamped_at_the_open(store, tmp_path, unit):
    path = tmp_path / "bars.parquet"
    price = 1.105 if unit == 1.0 else 1_105_000_000
    kind = "double" if unit == 1.0 else "bigint"
    prices = ", ".join(f"{price}::{kind} as {name}" for name in ("open", "high", "low", "close"))
    ids = "33::utinyint as rtype, 1::usmallint as publisher_id, 77::uinteger as instrument_id"
    time = f"make_timestamp({MONDAY_NS} // 1000 + i * 60000000)::timestamptz as ts_event"
    rest = "7::ubigint as volume, 'ETHH1' as symbol"
    duckdb.sql(f"copy (select {time}, {ids}, {prices}, {rest} from range(20) t(i)) to '{path}'")
    report = import_file(store, path)
    assert not any("nothing tells" in note for note in report.notes)
    assert (store.load("ETHH1").close == 1.105).all()


def test_without_symbols_instruments_stay_apart_by_their_numbers(store, tmp_path):
    path = tmp_path / "bars.csv"
    path.write_bytes(transcoded("CSV", map_symbols=False))
    assert import_file(store, path, "77").rows == N
    both = import_file(store, path)
    assert [(one.symbol, one.inserted) for one in both.by_symbol] == [("1234", N), ("77", 0)]


def test_a_torn_or_damaged_file_and_other_schemas_are_refused(store, tmp_path):
    path = tmp_path / "bars.dbn"
    path.write_bytes(dbn()[:-10])
    refused(store, path, "ends in the middle of a record")
    path.write_bytes(b"DBN\x63" + bytes(400))
    refused(store, path, "damaged, or not DBN")
    path.write_bytes(dbn(n=0, schema="TRADES"))
    with pytest.raises(DataError, match="bars"):
        import_file(store, path)


def test_a_line_that_is_no_record_is_left_out(store, tmp_path):
    lines = transcoded("JSON").splitlines()
    lines[10] = b'{"hd":'
    path = tmp_path / "bars.json"
    path.write_bytes(b"\n".join(lines) + b"\n")
    report = import_file(store, path)
    assert [row.line for row in report.rejected] == [12]  # below the header of the csv


def test_without_its_package_a_dbn_file_says_what_to_install(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "databento_dbn", None)
    path = tmp_path / "bars.dbn"
    path.write_bytes(b"DBN\x03" + bytes(100))
    refused(store, path, "pip install 'mlx_muzero[databento]'", "csv")
