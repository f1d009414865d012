"""What the world does to a session's folder, and what the session says."""

import errno
import os
from pathlib import Path

import duckdb
import pytest

from mlx_muzero.errors import RunError, StorageError
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Transaction
from mlx_muzero.runlog import journal
from mlx_muzero.runlog.lock import locked
from paper_sessions import WARM_BARS, market, play, settings

PAPER = settings(("USDJPY",))
BARS = [market("USDJPY", WARM_BARS + 20)]
TABLES = ("bars", "decisions", "orders", "order_ends", "fills", "trades", "equity")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return play(tmp_path_factory.mktemp("whole") / "run", PAPER, bars=BARS)


def assert_comes_back(path, whole):
    """Whatever happened, the next start ends as if it had not."""
    played = play(path, bars=BARS)
    for name in TABLES:
        assert getattr(played, name) == getattr(whole, name), name
    numbers = [e["seq"] for e in journal.read(path / "journal.jsonl")]
    assert numbers == sorted(set(numbers))


def test_disk_full_in_the_journal(tmp_path, whole, monkeypatch):
    write, calls = os.write, iter(range(10_000))

    def full(descriptor, data):
        if next(calls) >= 15:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(StorageError, match=r"run/\S+: the disk is full.*Nothing is lost"):
            play(tmp_path / "run", PAPER, bars=BARS)
    assert_comes_back(tmp_path / "run", whole)


class FullDisk:
    """A database connection whose writes fail from some commit on."""

    def __init__(self, connection, commits):
        self._connection, self._left = connection, commits

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def cursor(self):
        return self

    def execute(self, query, *parameters):
        if query == "commit":
            self._left -= 1
            if self._left < 0:
                raise duckdb.IOException('Could not write file "x.wal": No space left on device')
        return self._connection.execute(query, *parameters)


def test_disk_full_in_the_store(tmp_path, whole, monkeypatch):
    connect = duckdb.connect
    with monkeypatch.context() as patched:
        patched.setattr(duckdb, "connect", lambda *a, **k: FullDisk(connect(*a, **k), 6))
        with pytest.raises(StorageError, match=r"store\.duckdb: the disk is full.*Nothing is lost"):
            play(tmp_path / "run", PAPER, bars=BARS)
    assert_comes_back(tmp_path / "run", whole)


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    def refuse(self, *arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", refuse)
        with pytest.raises(StorageError, match=r"cannot be written \(Read-only file system\)"):
            play(tmp_path / "run", PAPER, bars=BARS)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_folder_without_the_right_to_write(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir(mode=0o500)
    with pytest.raises(StorageError, match="cannot be written"):
        play(folder, PAPER, bars=BARS)


@pytest.mark.parametrize("left", [b'{"event": "minu', b"\x00" * 300, b'{"event": "fill", "seq"\n'])
def test_a_torn_last_line_of_the_journal(tmp_path, whole, left):
    path = tmp_path / "run"
    play(path, PAPER, bars=[BARS[0].slice(0, WARM_BARS + 10)])
    lines = (path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (path / "journal.jsonl").write_bytes(b"".join(lines[:-1]) + left)
    assert_comes_back(path, whole)


def test_a_damaged_store_is_named(tmp_path):
    path = tmp_path / "run"
    play(path, PAPER, bars=[BARS[0].slice(0, 10)])
    (path / "store.duckdb").write_bytes(b"x" * 4096)
    with pytest.raises(RunError, match=r"store\.duckdb: it is damaged.*Restore it"):
        play(path, bars=BARS)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        # As of an account that was moved to a machine with an older DuckDB.
        ("IO Error: Trying to read a database file with version number 999", "a newer DuckDB"),
        ("IO Error: Could not set lock on file: Conflicting lock is held", "another process has"),
    ],
)
def test_what_duckdb_says_is_put_into_words(tmp_path, monkeypatch, said, meant):
    def fail(*_arguments, **_options):
        raise duckdb.IOException(said)

    monkeypatch.setattr(duckdb, "connect", fail)
    with pytest.raises(RunError, match=rf"store\.duckdb: {meant}"):
        PaperStore(tmp_path / "store.duckdb")


def test_a_damaged_block_is_no_lock(tmp_path):
    with PaperStore(tmp_path / "store.duckdb"):
        pass
    data = bytearray((tmp_path / "store.duckdb").read_bytes())
    data[data.index(b"DUCK") + 4] ^= 1
    (tmp_path / "store.duckdb").write_bytes(data)
    with pytest.raises(RunError, match=r"store\.duckdb: it is damaged"):
        PaperStore(tmp_path / "store.duckdb", read_only=True)


def test_another_database_is_no_store(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    with duckdb.connect(str(path / "store.duckdb")) as other:
        other.execute("create table meta(key varchar, value varchar)")
    with pytest.raises(RunError, match="not a paper-session store"):
        PaperStore(path / "store.duckdb")


def test_a_second_engine_is_refused(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    with (
        locked(path / "lock"),
        pytest.raises(RunError, match=f"being traded by process {os.getpid()}"),
    ):
        play(path, PAPER, bars=BARS)


def test_a_training_run_is_no_place_for_a_session(tmp_path):
    (tmp_path / "config.toml").write_text("")
    with pytest.raises(RunError, match="holds a training run"):
        play(tmp_path, PAPER, bars=BARS)


def test_a_failed_commit_leaves_nothing_behind(tmp_path):
    with PaperStore(tmp_path / "store.duckdb") as store:
        store.begin({"n": 0})
        good = Transaction(1)
        good.add("commands", {"time_ns": 1, "name": "halt", "pair": None})
        store.commit(1, good, {"n": 1})
        store._commits = FullDisk(store._commits, 0)
        with pytest.raises(StorageError):
            store.commit(2, good, {"n": 2})
        store._commits = store._commits._connection
        assert store.state() == (1, {"n": 1})
        assert len(store.table("commands")) == 1
        store.commit(2, good, {"n": 2})
        assert len(store.table("commands")) == 2


def test_a_folder_that_holds_nothing_is_named(tmp_path):
    with pytest.raises(RunError, match="holds no paper session"):
        PaperFolder(tmp_path).settings()
    with pytest.raises(RunError, match="no paper session that has started"):
        PaperStore(tmp_path / "store.duckdb", read_only=True)


def test_a_view_in_a_store_is_not_looked_at(tmp_path):
    path, exports = tmp_path / "store.duckdb", tmp_path / "exports"
    PaperStore(path).close()
    with duckdb.connect(str(path)) as db:
        db.execute("create or replace view fills as select 1 as mine")
    with PaperStore(path, read_only=True, exports=[exports]) as store:
        assert store.table("fills") == []
        store.export(exports, "csv")
    assert "mine" not in (exports / "fills.csv").read_text()


@pytest.mark.parametrize("name", ["transactions", "state", "events"])
def test_a_view_is_no_table_of_a_session(tmp_path, name):
    path = tmp_path / "store.duckdb"
    PaperStore(path).close()
    with duckdb.connect(str(path)) as db:
        db.execute(f"create table other as from {name}; drop table {name}")
        db.execute(f"create view {name} as from other")
    with pytest.raises(RunError, match=f"no table {name}"):
        PaperStore(path, read_only=True)
