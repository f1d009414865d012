"""A paper session's store."""

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
