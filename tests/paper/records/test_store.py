"""A paper session's store."""

import numpy as np
import pytest

from mlx_muzero.errors import RunError
from mlx_muzero.market.store.attached_file import AttachedFile
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


def test_a_report_may_hold_more_than_a_session_beside_its_search(tmp_path):
    limits = []
    for read_only in (False, True):
        with PaperStore(tmp_path / "store.duckdb", read_only=read_only) as store:
            if not read_only:
                store.begin({})
            limits.append(asked(store, "select current_setting('memory_limit')"))
    assert limits == ["244.1 MiB", "3.7 GiB"]


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
