"""The bar store: what goes in comes out, once, and damaged files say so."""

import dataclasses
import subprocess
import sys
import tracemalloc
from contextlib import nullcontext

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.errors import DataError, StorageError
from mlx_muzero.market.bars import BAR_COLUMNS, Bars, Fault, price_faults
from mlx_muzero.market.series import Series
from mlx_muzero.market.store import bar_table, staging
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.staging import EXTRA_COLUMNS
from mlx_muzero.timeunits import MINUTE_NS

START_NS = 1_514_764_800 * 10**9


def make_bars(symbol="USDJPY", minutes=range(100), volume=np.nan, seed=0):
    """Bars of a small random walk whose price depends on the minute alone."""
    minutes = np.asarray(list(minutes))
    walk = 110 + np.cumsum(np.random.default_rng(seed).normal(0, 0.01, 5000))
    close, open_ = walk[minutes + 1], walk[minutes]
    high, low = np.maximum(open_, close) + 0.01, np.minimum(open_, close) - 0.01
    times = START_NS + minutes * MINUTE_NS
    return Bars(symbol, times, open_, high, low, close, np.full(len(minutes), volume))


def same(a, b):
    names = ("open_time_ns", "open", "high", "low", "close", "volume")
    return all(np.array_equal(getattr(a, n), getattr(b, n), equal_nan=True) for n in names)


@pytest.fixture
def store(tmp_path):
    with BarStore(tmp_path / "new" / "market.duckdb") as opened:
        yield opened


def test_bars_refuse_times_that_do_not_increase():
    bars = make_bars()
    with pytest.raises(ValueError, match="row 1"):
        Bars("X", bars.open_time_ns[[1, 0]], *[bars.close[:2]] * 5)
    with pytest.raises(ValueError, match="high"):
        Bars("X", bars.open_time_ns[:2], bars.open[:2], *[bars.close[:3]] * 4)


def test_bars_are_read_only_and_slices_share_memory():
    bars = make_bars()
    with pytest.raises(ValueError, match="read-only"):
        bars.close[0] = 1.0
    part = bars.between(START_NS + 10 * MINUTE_NS, START_NS + 20 * MINUTE_NS)
    assert len(part) == 10
    assert np.shares_memory(part.close, bars.close)


@given(start=st.integers(0, 100), stop=st.integers(0, 100))
def test_further_columns_are_cut_with_the_bars(start, stop):
    """Whatever is cut; each row keeps its own values."""
    bars = make_bars()
    own = dataclasses.replace(bars, extras={"trades": bars.close * 2.0, "quote_volume": bars.open})
    for part in (own.slice(start, stop), own.between(*own.open_time_ns[[start - 1, stop - 1]])):
        np.testing.assert_array_equal(part.extras["trades"], part.close * 2.0)
        np.testing.assert_array_equal(part.extras["quote_volume"], part.open)
    with pytest.raises(ValueError, match="trades has"):
        dataclasses.replace(bars, extras={"trades": bars.close[1:]})


def test_faults_name_the_gravest_reason():
    o = np.array([1.0, np.nan, 0.0, 2.0, 1.0, np.inf])
    faults = price_faults(o, np.full(6, 1.5), np.full(6, 0.5), np.ones(6), np.full(6, -1.0))
    expected = [4, 1, 2, 3, 4, 1]
    assert faults.tolist() == expected
    assert all(Fault(f).text for f in faults)


def test_bars_come_back_as_written(store):
    bars = make_bars(volume=3.0)
    report = store.write(bars, {"close_ask": bars.close + 0.01})
    assert report.inserted == 100
    assert same(store.load("USDJPY"), bars)
    assert np.array_equal(
        store.load("USDJPY", extras=EXTRA_COLUMNS).extras["close_ask"], bars.close + 0.01
    )
    (summary,) = store.symbols()
    assert (summary.bars, summary.has_ask, summary.has_volume) == (100, True, True)
    part = store.load("USDJPY", START_NS + 5 * MINUTE_NS, START_NS + 7 * MINUTE_NS)
    assert same(part, bars.slice(5, 7))


@pytest.mark.slow
def test_bars_that_are_years_apart_come_back_in_order(store, monkeypatch):
    monkeypatch.setattr(bar_table, "_BLOCK_NS", 7 * MINUTE_NS)
    bars = make_bars(minutes=[*range(3, 40), 66, 67, 500, 4000])
    store.write(bars.slice(20, len(bars)))
    store.write(bars.slice(0, 20))
    assert same(store.load("USDJPY"), bars)
    bounds = int(bars.open_time_ns[5]), int(bars.open_time_ns[-1])
    assert same(store.load("USDJPY", *bounds), bars.slice(5, len(bars) - 1))


def test_rows_are_staged_in_memory_that_does_not_grow_with_their_number(store):
    rows = 4 * (staging._BLOCK_ROWS + 1000)
    bars = Bars("USDJPY", START_NS + np.arange(rows) * MINUTE_NS, *[np.ones(rows)] * 5)
    with store.transaction(), store.staging() as staged:
        tracemalloc.start()
        for first in range(0, rows, rows // 4):
            part = bars.slice(first, first + rows // 4)
            prices = {name: getattr(part, name).copy() for name in BAR_COLUMNS}
            staged.append("USDJPY", part.open_time_ns, np.arange(first, first + rows // 4), prices)
        del part, prices
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert staged.merge().inserted == rows
    assert grown < rows * 8
    assert same(store.load("USDJPY"), bars)


@examples(15)
@given(st.lists(st.sets(st.integers(0, 60), min_size=1), min_size=1, max_size=4))
def test_any_overlapping_writes_end_in_the_same_bars(tmp_path_factory, batches):
    path = tmp_path_factory.mktemp("store") / "market.duckdb"
    with BarStore(path) as store:
        inserted = sum(store.write(make_bars(minutes=sorted(b))).inserted for b in batches)
        union = sorted(set.union(*batches))
        assert inserted == len(union)
        assert same(store.load("USDJPY"), make_bars(minutes=union))


def test_the_first_bar_of_a_minute_wins(store):
    store.write(make_bars())
    report = store.write(make_bars(minutes=range(90, 110), seed=1))
    assert (report.inserted, report.conflicts, report.duplicates) == (10, 10, 0)
    assert report.conflict_times_ns[0] == START_NS + 90 * MINUTE_NS
    assert same(store.load("USDJPY").slice(0, 100), make_bars())


def test_a_later_write_fills_what_was_unknown(store):
    store.write(make_bars())
    report = store.write(make_bars(volume=5.0))
    assert (report.duplicates, report.filled) == (100, 100)
    assert same(store.load("USDJPY"), make_bars(volume=5.0))


def test_an_impossible_bar_leaves_the_store_as_it_was(store):
    bars = make_bars()
    bad = Bars("USDJPY", bars.open_time_ns, bars.open, bars.low, bars.high, bars.close, bars.volume)
    with pytest.raises(DataError, match="bar 0 of USDJPY"):
        store.write(bad)
    with pytest.raises(DataError, match="no bars of USDJPY"):
        store.load("USDJPY")


def test_truths_and_removal(store):
    store.write(make_bars("SYNTH"))
    store.set_truth("SYNTH", {"kind": "planted", "edge_pips": 1.5})
    assert store.truth("SYNTH") == {"kind": "planted", "edge_pips": 1.5}
    assert store.symbols()[0].synthetic
    assert store.remove("SYNTH").bars == 100
    assert store.truth("SYNTH") is None
    assert store.symbols() == []


def test_a_missing_store_is_not_made_for_a_reader(tmp_path):
    with pytest.raises(DataError, match="no bar store"):
        BarStore(tmp_path / "none.duckdb", read_only=True)
    assert not (tmp_path / "none.duckdb").exists()


def test_a_missing_store_is_named_with_the_folder_it_is_looked_for_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=f"at data/none.duckdb in {tmp_path}: .* with --db$"):
        BarStore("data/none.duckdb", read_only=True)
    with pytest.raises(DataError, match=r"none\.duckdb: import bars first"):
        BarStore(tmp_path / "none.duckdb", read_only=True)


def test_other_files_are_told_apart(tmp_path):
    text = tmp_path / "text.duckdb"
    text.write_text("hello" * 100)
    with pytest.raises(DataError, match="not a DuckDB file"):
        BarStore(text)
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as db:
        db.execute("create table t(x int)")
    with pytest.raises(DataError, match="not a bar store"):
        BarStore(other)


def test_damage_is_told_of_wherever_it_is_met_with(tmp_path):
    path = tmp_path / "market.duckdb"
    with BarStore(path) as store:
        store.write(make_bars(minutes=range(4000)))
    content = bytearray(path.read_bytes())
    where = content.index(b"USDJPY") // 4096 * 4096
    content[where : where + 4096] = bytes(4096)
    path.write_bytes(content)
    with (
        pytest.raises(DataError, match="it is damaged: restore it from a copy"),
        BarStore(path, read_only=True) as store,
    ):
        store.load("USDJPY")


@pytest.mark.parametrize(
    ("met", "told", "words"),
    [
        (
            duckdb.TransactionException('Could not write file "x.wal": No space left on device'),
            StorageError,
            r"market\.duckdb: the disk is full\. Make room there",
        ),
        (duckdb.IOException("IO Error: Could not read"), DataError, "check its disk"),
        (duckdb.CatalogException("no such table"), duckdb.CatalogException, "no such table"),
    ],
)
def test_what_befalls_the_file_is_told_of_and_a_wrong_statement_stays_a_bug(
    tmp_path, met, told, words
):
    for inner in (BarStore.transaction, nullcontext):
        with (
            pytest.raises(told, match=words),
            BarStore(tmp_path / "market.duckdb") as store,
            inner(store),
        ):
            raise met


def test_a_newer_schema_is_refused(tmp_path):
    path = tmp_path / "market.duckdb"
    BarStore(path).close()
    with duckdb.connect(str(path)) as db:
        db.execute("update meta set value = '99' where key = 'schema_version'")
    with pytest.raises(DataError, match="schema version 99"):
        BarStore(path)


SCHEMA_1 = """
create table meta(key varchar primary key, value varchar not null);
create table bars(
    symbol varchar not null, open_time timestamp_ns not null,
    open double not null, high double not null, low double not null, close double not null,
    volume double, open_ask double, high_ask double, low_ask double, close_ask double,
    quote_volume double, trades double, taker_buy_volume double, taker_buy_quote_volume double);
create table imports(
    file varchar not null, sha256 varchar not null, symbol varchar not null,
    format varchar not null, clock varchar not null, rows bigint not null,
    rejected bigint not null, repeats bigint not null,
    first_time timestamp_ns, last_time timestamp_ns, primary key(sha256, symbol));
create table truths(symbol varchar primary key, json varchar not null);
insert into meta values ('application', 'mlx_muzero bars'), ('schema_version', '1');
insert into bars values ('BTCUSDT', '2021-03-01 00:00', 1, 2, 1, 2, 5, null, null, null, null,
    7.5, 3, 2.5, 3.75);
insert into truths values ('SYNTH', '{"kind": "planted"}');
insert into imports values ('a.zip', 'abc', 'BTCUSDT', 'binance', 'UTC', 1, 0, 0,
    '2021-03-01 00:00', '2021-03-01 00:00');
"""


def everything(store):
    bars = store.load("BTCUSDT", extras=EXTRA_COLUMNS)
    columns = [bars.open_time_ns, bars.open, bars.volume, *bars.extras.values()]
    return [c.tolist() for c in columns], store.imports(), store.truth("SYNTH"), store.symbols()


def test_a_store_of_the_first_schema_is_read_and_kept(tmp_path):
    path = tmp_path / "market.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute(SCHEMA_1)
    with BarStore(path, read_only=True) as store:
        before = everything(store)
        assert store.series() == []
        assert len(store.load_series("BTCUSDT", "funding_rate")) == 0
    with BarStore(path) as store:
        assert everything(store) == before
        now = np.array([START_NS])
        with store.transaction():
            store.write_series(Series("BTCUSDT", "funding_rate", now, now, np.array([1e-4])))
    with BarStore(path, read_only=True) as store:
        assert everything(store) == before
        assert store.load_series("BTCUSDT", "funding_rate").value.tolist() == [1e-4]
        assert before[0][3:] == [[7.5], [3.0], [2.5], [3.75]]


def test_series_go_with_their_symbol_and_failed_writes_leave_nothing(store):
    now = START_NS + np.arange(3) * MINUTE_NS
    series = Series("BTCUSDT", "funding_rate", now, now, np.array([1e-4, 2e-4, 3e-4]))

    def fail():
        with store.transaction():
            store.write_series(series)
            raise RuntimeError("after the write")

    with pytest.raises(RuntimeError):
        fail()
    assert store.series() == []
    with store.transaction():
        assert store.write_series(series).inserted == 3
        merge = store.write_series(dataclasses.replace(series, value=np.array([1e-4, 0.0, 3e-4])))
    assert (merge.inserted, merge.duplicates, merge.conflicts) == (0, 2, 1)
    assert store.load_series("BTCUSDT", "funding_rate").value.tolist() == [1e-4, 2e-4, 3e-4]
    store.remove("BTCUSDT")
    assert store.series() == []


def test_of_one_settlement_each_announcement_is_kept(store):
    heard = START_NS + np.arange(3) * MINUTE_NS
    due = np.full(3, START_NS + 480 * MINUTE_NS)
    series = Series("BTCUSDT", "funding_announced", due, heard, np.array([1e-4, 2e-4, 1e-4]))
    with store.transaction():
        assert store.write_series(series).inserted == 3
        assert store.write_series(series).duplicates == 3
    loaded = store.load_series("BTCUSDT", "funding_announced")
    for column in ("event_ns", "known_ns", "value"):
        np.testing.assert_array_equal(getattr(loaded, column), getattr(series, column))
    (summary,) = store.series()
    assert summary.points == 3


def test_a_series_refuses_what_no_reader_expects():
    one, two = np.array([1, 2]), np.array([2, 1])
    with pytest.raises(ValueError, match="order"):
        Series("A", "cpi", one, two, np.ones(2))
    with pytest.raises(ValueError, match="number"):
        Series("A", "cpi", one, one, np.ones(3))
    with pytest.raises(ValueError, match="finite"):
        Series("A", "cpi", one, one, np.array([1.0, np.nan]))


def test_a_truncated_store_is_called_damaged(tmp_path):
    path = tmp_path / "market.duckdb"
    with BarStore(path) as store:
        store.write(make_bars())
    path.write_bytes(path.read_bytes()[:6000])
    with pytest.raises(DataError, match="damaged"):
        BarStore(path)


def test_a_locked_store_says_who_to_stop(tmp_path):
    path = tmp_path / "market.duckdb"
    BarStore(path).close()
    code = f"import duckdb; c = duckdb.connect({str(path)!r}); print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        holder.stdout.readline()
        with pytest.raises(DataError, match="another process"):
            BarStore(path, read_only=True)
    finally:
        holder.communicate(b"\n")


def test_every_duckdb_that_is_allowed_reads_a_new_store(tmp_path):
    """2.0's own form is none of 1.3's; what 1.2 wrote both read."""
    path = tmp_path / "market.duckdb"
    with BarStore(path):
        pass
    header = path.read_bytes()[8:20]
    assert (header[:4], int.from_bytes(header[4:], "little")) == (b"DUCK", 65)
