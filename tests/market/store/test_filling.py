"""A store opened to be filled leaves no empty file behind, and loses nothing that went in."""

import duckdb
import pytest

from markets import walk_bars
from mlx_muzero.errors import DataError, StorageError
from mlx_muzero.market.store import filling
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.filling import store_to_fill

TRUTH = {"kind": "random_walk", "parameters": {"pip_size": 0.01}}


class FullDisk:
    """A database connection whose statements fail that begin as one that writes does."""

    def __init__(self, connection, writes):
        self._connection, self._writes = connection, writes

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def cursor(self):
        return FullDisk(self._connection.cursor(), self._writes)

    def execute(self, query, *parameters):
        if query.startswith(self._writes):
            if self._writes == "commit":  # which undoes what cannot be kept
                self._connection.execute("rollback")
            raise duckdb.TransactionException('Could not write file "x": No space left on device')
        return self._connection.execute(query, *parameters)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "market.duckdb"


def left(path):
    return sorted(file.name for file in path.parent.iterdir())


@pytest.mark.parametrize("writes", ["begin; ", "commit"])
def test_a_full_disk_leaves_no_store_that_holds_nothing(path, monkeypatch, writes):
    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda *a, **k: FullDisk(connect(*a, **k), writes))
    with pytest.raises(StorageError, match="the disk is full"), store_to_fill(path) as store:
        store.write_synthetic(walk_bars(50), TRUTH)
    assert left(path) == []


def test_what_fails_before_anything_went_in_leaves_nothing(path):
    with pytest.raises(ValueError, match="no such market"), store_to_fill(path):
        raise ValueError("no such market")
    assert left(path) == []


def test_what_went_in_stays_whatever_fails_then(path):
    def fill():
        with store_to_fill(path) as store:
            store.write(walk_bars(50))
            raise StorageError("full")

    with pytest.raises(StorageError):
        fill()
    with BarStore(path, read_only=True) as store:
        assert not store.is_empty
    with pytest.raises(StorageError), store_to_fill(path):
        raise StorageError("full")
    assert left(path) == ["market.duckdb"]


def test_a_store_that_was_there_stays_though_it_is_empty(path):
    BarStore(path).close()
    with store_to_fill(path) as store:
        assert store.is_empty
    assert left(path) == ["market.duckdb"]


def test_a_store_that_another_process_made_meanwhile_stays(path, monkeypatch):
    def made_meanwhile(path):
        path.write_bytes(b"its own")
        raise DataError("another process has it open")

    monkeypatch.setattr(filling, "BarStore", made_meanwhile)
    with pytest.raises(DataError), store_to_fill(path):
        pass
    assert left(path) == ["market.duckdb"]


def test_a_market_is_made_anew_wholly_or_not_at_all(path, monkeypatch):
    bars = walk_bars(50)
    with store_to_fill(path) as store:
        store.write_synthetic(bars, TRUTH)
        monkeypatch.setattr(store, "_add", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.write_synthetic(bars, TRUTH | {"kind": "planted_edge"})
        assert len(store.load(bars.symbol)) == 50
        assert store.truth(bars.symbol) == TRUTH
