"""A paper session's store."""

import numpy as np
import pytest

from mlx_muzero.errors import RunError
from mlx_muzero.market.store.attached_file import AttachedFile
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.records import store as store_module
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Transaction

MINUTES = 100


def commit(store, number):
    """Commit a minute of many pairs."""
    event = {"seq": number, "told": f"{number} " * 25_000}
    store.commit(number, Transaction(number), {"much": f"{number} " * 10_000}, [event])


def asked(store, query):
    """What DuckDB says of itself."""
    ((value,),) = store._db.execute(query).fetchall()
    return value


@pytest.mark.slow
def test_memory_does_not_grow_with_what_is_committed(tmp_path, monkeypatch):
    freed, free = [], AttachedFile._free
    monkeypatch.setattr(AttachedFile, "_free", lambda file: (free(file), freed.append(file)))
    with PaperStore(tmp_path / "store.duckdb") as store:
        limit = asked(store, "select current_setting('memory_limit')")
        store.begin({})
        held = []
        for number in range(MINUTES):
            commit(store, number)
            held.append(asked(store, "select sum(memory_usage_bytes) from duckdb_memory()"))
        assert asked(store, "select current_setting('memory_limit')") == limit
    assert max(held) < 8_000_000, "of 15,000,000 that were committed"
    assert len(freed) > 3, "every checkpoint gives back what it took"


def test_what_another_thread_copies_may_use_all_memory(tmp_path, monkeypatch):
    freed = []
    monkeypatch.setattr(AttachedFile, "_free", lambda _file: freed.append(1))
    with PaperStore(tmp_path / "store.duckdb") as store:
        store.begin({})
        with store._file.undisturbed():
            for number in range(30):
                commit(store, number)
            assert freed == []
        commit(store, 30)
        assert freed == [1], "later than it could have been, but not forgotten"


def kept(tmp_path, **tables):
    """A store of one transaction, with columns by table."""
    rows = {
        table: [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        for table, columns in tables.items()
    }
    store = PaperStore(tmp_path / "store.duckdb")
    store.begin({})
    store.commit(1, Transaction(1, rows), {})
    return store


def test_columns_are_the_rows_and_a_missing_number_is_not_a_number(tmp_path):
    points = {"pair": ["B", "A"], "series": ["x", "y"], "event_ns": [2**60 + 1, 5],
              "known_ns": [3, 6], "value": [None, 0.1]}  # fmt: skip
    with kept(tmp_path, points=points) as store:
        found = store.columns("points", "value", "event_ns", "pair")
        assert list(found) == ["value", "event_ns", "pair"]
        assert found["event_ns"].dtype == np.int64
        assert found["event_ns"].tolist() == points["event_ns"]
        assert found["pair"].tolist() == points["pair"]
        np.testing.assert_array_equal(found["value"], [np.nan, 0.1])
        assert [row["pair"] for row in store.table("points", "value")] == ["A"]
        assert not len(store.columns("fills", "price")["price"])


def test_a_column_without_a_whole_number_is_refused(tmp_path):
    quotes = {"pair": ["A"], "open_time_ns": [None], "spread": [0.1], "close_spread": [None]}
    with kept(tmp_path, quotes=quotes) as store, pytest.raises(RunError, match="without open_time"):
        store.columns("quotes", "spread", "open_time_ns")


def minutes(count, text=""):
    """A minute's transaction each, of two points, one command and one event."""
    for number in range(1, count + 1):
        points = [
            {"pair": pair, "series": "x", "event_ns": number, "known_ns": number, "value": value}
            for pair, value in (("B", 0.1 * number), ("A", None))
        ]
        command = {"time_ns": number, "name": f"{number}{text}", "pair": None}
        yield number, Transaction(number, {"points": points, "commands": [command]})


def everything(path, folder):
    """All that a reader sees of the tables written by `minutes`."""
    with PaperStore(path, read_only=True, exports=[folder]) as store:
        columns = store.columns("points", "pair", "event_ns", "value")
        exported = {file.name: file.read_bytes() for file in store.export(folder, "csv")}
        tables = [store.table("points"), store.table("commands"), list(store.events(3))]
        return tables, {name: values.tolist() for name, values in columns.items()}, exported


def test_transactions_are_read_in_their_order_however_they_lie_in_the_file(tmp_path):
    path = tmp_path / "store.duckdb"
    with PaperStore(path) as store:
        store.begin({})
        for number, transaction in minutes(20):
            store.commit(number, transaction, {}, [{"seq": number}])
    read = everything(path, tmp_path / "one")
    assert [row["time_ns"] for row in read[0][1]] == list(range(1, 21))
    assert [event["seq"] for event in read[0][2]] == list(range(3, 21))
    with PaperStore(path) as store:
        for table in ("transactions", "events"):
            store._db.execute(f"create table reversed as from {table} order by all desc")
            store._db.execute(f"delete from {table}")
            store._db.execute(f"insert into {table} from reversed; drop table reversed")
    again = everything(path, tmp_path / "other")
    assert str(again) == str(read)  # as text, where NaN equals NaN


@pytest.mark.slow
def test_more_than_fits_into_memory_is_read_in_pieces(tmp_path, monkeypatch):
    """A year of a session is gigabytes, of which a reader wants a few columns at a time."""
    path, count = tmp_path / "store.duckdb", 32_768
    with PaperStore(path) as store:
        store.begin({})
        command = "json_object('time_ns', [i], 'name', [repeat('x', 2000) || i], 'pair', [null])"
        event = "json_array(json_object('seq', i, 'told', repeat('x', 2000) || i))"
        for table, text in (
            ("transactions", f"json_object('commands', {command})"),
            ("events", event),
        ):
            numbered = f"from range({count}) t(i)"
            store._db.execute(f"insert into {table} select i, i, {text} {numbered}")
    monkeypatch.setattr("mlx_muzero.paper.records.store._MEMORY_LIMIT", "48MB")
    with PaperStore(path, read_only=True, exports=[tmp_path / "csv"]) as store:
        assert store.columns("commands", "time_ns")["time_ns"].tolist() == list(range(count))
        assert sum(len(row["name"]) for row in store.table("commands")) > 2000 * count
        assert [event["seq"] for event in store.events(0)] == list(range(count))
        (csv,) = [file for file in store.export(tmp_path / "csv", "csv") if file.stem == "commands"]
    assert csv.stat().st_size > 2000 * count
    assert not list(csv.parent.glob("*.partial"))


def test_steps_are_what_each_transaction_has_of_the_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "_PIECE", 3)
    with PaperStore(tmp_path / "store.duckdb") as store:
        store.begin({})
        for number, transaction in minutes(10):
            rows = {} if number == 4 else transaction.rows
            rows = {"points": rows["points"]} if number == 7 else rows
            store.commit(number, Transaction(number, rows), {})
        steps = list(store.steps("points", "commands"))
        assert [[row["time_ns"] for row in step["commands"]] for step in steps] == [
            [number] if number != 7 else [] for number in range(1, 11) if number != 4
        ]
        assert [row for step in steps for row in step["points"]] == store.table("points")
        assert list(store.steps("fills")) == []


def bars_of(pair, minutes):
    return [LiveBar(pair, m, 1.0, 2.0, 0.5, float(m), np.nan, None, m + 1) for m in minutes]


def test_the_last_bars_of_a_pair_that_has_none_any_more_are_found_without_the_rest(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(store_module, "_PIECE", 4)
    with PaperStore(tmp_path / "store.duckdb") as store:
        store.begin({})
        for minute in range(40):
            new = bars_of("A", [minute]) + bars_of("GONE", [minute] if minute < 10 else [])
            store.commit(minute, Transaction(minute, {"bars": [vars(bar) for bar in new]}), {})
        found = store.recent_bars({"A": 6, "GONE": 3, "NONE": 2})
        # Of each pair in whole pieces, until there are enough.
        assert str(found["A"]) == str(bars_of("A", range(32, 40)))
        assert str(found["GONE"]) == str(bars_of("GONE", range(4, 10)))
        assert found["NONE"] == []


@pytest.mark.parametrize("lacks", ["close", "open_time_ns", "arrival_time_ns"])
def test_a_recorded_bar_that_lacks_something_is_refused(tmp_path, lacks):
    (bar,) = bars_of("A", [1])
    columns = {name: [value] for name, value in vars(bar).items()} | {lacks: [None]}
    with kept(tmp_path, bars=columns) as store, pytest.raises(RunError, match=f"without {lacks}"):
        store.recent_bars({"A": 1})
