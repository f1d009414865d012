"""NautilusTrader's catalogs: bars in parquet with prices of fixed precision."""

from decimal import Decimal

import numpy as np
import pytest

from market_files import MONDAY_NS, refused, walk
from mlx_muzero.market.importers import ImportBatch, detect_format, import_file
from mlx_muzero.market.store.staging import ASK_COLUMNS
from mlx_muzero.timeunits import MINUTE_NS

N = 30
NAMES = ("open", "high", "low", "close", "volume")


def fixed(values, size):
    """Integers of 1e-16 or 1e-9, as bytes."""
    unit = 10 ** {16: 16, 8: 9}[size]
    whole = (int(Decimal(str(value)) * unit) for value in values)
    return [value.to_bytes(size, "little", signed=True) for value in whole]


def catalog_file(root, bar_type, form=16, late_ns=0, at_ns=0, seed=0, in_metadata=True):
    """A file of a catalog, as nautilus_trader 1.221 writes it (see the columns of its schema)."""
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = dict(zip(NAMES, (*np.round(walk(N, seed), 3), np.full(N, 7.5)), strict=True))
    if form == "integers":
        kind = arrow.int64()
        values = {n: [round(x * 10**9) for x in column] for n, column in columns.items()}
    else:
        kind = arrow.binary(form)
        values = {name: fixed(column, form) for name, column in columns.items()}
    opens = MONDAY_NS + MINUTE_NS * np.arange(N)
    events = opens + MINUTE_NS - at_ns
    arrays = [arrow.array(values[name], kind) for name in NAMES]
    arrays += [arrow.array(times, arrow.uint64()) for times in (events, events + at_ns + late_ns)]
    names = [*NAMES, "ts_event", "ts_init"]
    table = arrow.table(dict(zip(names, arrays, strict=True)))
    instrument = bar_type.rpartition("-1-")[0]
    metadata = {"bar_type": bar_type, "instrument_id": instrument, "price_precision": "3"}
    table = table.replace_schema_metadata(metadata if in_metadata else None)
    folder = root / "data" / "bar" / bar_type.replace("/", "")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "2021-03-01T00-01-00-000000000Z_2021-03-01T00-30-00-000000000Z.parquet"
    parquet.write_table(table, path)
    return path


def require_bars(store, symbol, seed=0):
    bars = store.load(symbol)
    assert bars.open_time_ns.tolist() == [MONDAY_NS + MINUTE_NS * i for i in range(N)]
    prices = [bars.open, bars.high, bars.low, bars.close]
    assert np.array_equal(prices, np.round(walk(N, seed), 3))
    assert (bars.volume == 7.5).all()


@pytest.mark.parametrize("form", [16, 8, "integers"])
@pytest.mark.parametrize("in_metadata", [True, False])
def test_prices_of_either_precision_are_exact(store, tmp_path, form, in_metadata):
    name = "BTCUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL"
    path = catalog_file(tmp_path, name, form, late_ns=1_234, in_metadata=in_metadata)
    assert detect_format(path) == "nautilus"
    report = import_file(store, path)
    assert (report.symbols, report.rows, report.rejected_count) == (("BTCUSDT",), N, 0)
    assert report.clock == "UTC, stamped at the close"
    require_bars(store, "BTCUSDT")
    assert import_file(store, path).already_imported


def test_a_catalogs_bid_and_ask_are_joined_and_the_rest_of_it_is_passed_over(store, tmp_path):
    sides = {
        side: catalog_file(tmp_path, f"EUR/USD.SIM-1-MINUTE-{side}-EXTERNAL", seed=seed)
        for side, seed in (("BID", 0), ("ASK", 1))
    }
    other = tmp_path / "data" / "currency_pair" / "EURUSD.SIM" / sides["BID"].name
    other.parent.mkdir(parents=True)
    other.write_bytes(sides["BID"].read_bytes())
    batch = ImportBatch.of([tmp_path / "data"], tmp_path / "m.duckdb")
    assert batch.files == (sides["BID"], sides["ASK"])
    assert batch.passed_over == (other,)
    refused(store, sides["ASK"], "import the bid first")
    import_file(store, sides["BID"])
    assert import_file(store, sides["ASK"]).filled == N
    require_bars(store, "EURUSD")
    asks = store.load("EURUSD", extras=ASK_COLUMNS).extras["close_ask"]
    assert np.array_equal(asks, np.round(walk(N, 1)[3], 3))


def test_a_wranglers_open_stamps_show_in_their_delay(store, tmp_path):
    path = catalog_file(tmp_path, "BTCUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL", at_ns=MINUTE_NS)
    report = import_file(store, path)
    assert any("ts_init is a minute after ts_event" in note for note in report.notes)
    require_bars(store, "BTCUSDT")


@pytest.mark.parametrize(
    ("instrument", "symbol"),
    [
        ("BTCUSDT-PERP.BINANCE", "BTCUSDT"),
        ("BTCUSD-PERP.BINANCE", "BTCUSD_PERP"),
        ("BTCUSDT-LINEAR.BYBIT", "BTCUSDT"),
        ("BTCUSD-INVERSE.BYBIT", "BTCUSD_PERP"),
        ("BTCUSDT-SPOT.BYBIT", "BTCUSDT"),
        ("BTC-USDT-SWAP.OKX", "BTCUSDT"),
        ("BTC-USD-SWAP.OKX", "BTCUSD_PERP"),
        ("EUR/USD.IDEALPRO", "EURUSD"),
    ],
)
def test_instruments_are_symbols(store, tmp_path, instrument, symbol):
    report = import_file(store, catalog_file(tmp_path, f"{instrument}-1-MINUTE-BID-INTERNAL"))
    assert report.symbols == (symbol,)
    assert any(note.startswith(f"instrument {instrument}, BID prices") for note in report.notes)


def test_what_is_not_a_minute_or_not_a_bar_type_is_refused(store, tmp_path):
    hourly = catalog_file(tmp_path, "BTCUSDT.BINANCE-1-HOUR-LAST-EXTERNAL")
    refused(store, hourly, "its bars are of 1-HOUR", "1-MINUTE")
    refused(store, catalog_file(tmp_path, "BTCUSDT"), "'BTCUSDT' is not a bar type")


def test_outside_of_its_folder_and_without_metadata_the_symbol_is_asked_for(store, tmp_path):
    name = "BTCUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL"
    path = catalog_file(tmp_path, name, in_metadata=False)
    bare = path.rename(tmp_path / "bars.parquet")
    refused(store, bare, "--symbol")
    import_file(store, bare, "ETHUSDT")
    require_bars(store, "ETHUSDT")


def test_impossible_prices_are_left_out(store, tmp_path):
    path = catalog_file(tmp_path, "BTCUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL")
    import pyarrow
    from pyarrow import parquet

    table = parquet.read_table(path)
    cells = table["open"].to_pylist()
    cells[3] = (-(10**16)).to_bytes(16, "little", signed=True)
    kind = table.schema.field("open").type
    table = table.set_column(0, table.schema.field("open"), pyarrow.array(cells, kind))
    parquet.write_table(table, path)
    report = import_file(store, path)
    assert [row.line for row in report.rejected] == [4]
