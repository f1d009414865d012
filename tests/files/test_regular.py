"""Links are not followed, pipes not waited for, and nobody's file is emptied."""

import os
import socket
import time

import pytest

from mlx_muzero.config.recorded import config_of_run
from mlx_muzero.errors import ConfigError, StorageError
from mlx_muzero.files import regular as regular_files
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.snapshot import Moment, take
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.runlog import decision_log
from mlx_muzero.runlog.decision_log import DecisionRecord
from mlx_muzero.runlog.folders import append_line, replaced
from mlx_muzero.runlog.journal import Journal, read
from mlx_muzero.runlog.lock import lock_holder, lock_number, locked
from mlx_muzero.training.run import RunFolder
from mlx_muzero.training.walk_forward_folder import WalkForwardFolder
from paper_sessions import settings

SECRET = "precious\n"


@pytest.fixture
def victim(tmp_path):
    file = tmp_path / "victim"
    file.write_text(SECRET)
    yield file
    assert file.read_text() == SECRET, "somebody else's file was touched"


def make_link(path, victim):
    path.symlink_to(victim)


def make_fifo(path, _victim):
    os.mkfifo(path)


def make_socket(path, _victim):
    with socket.socket(socket.AF_UNIX) as server:
        folder = os.open(path.parent, os.O_RDONLY)
        os.fchdir(folder)
        server.bind(path.name)
        os.close(folder)


def make_folder(path, _victim):
    path.mkdir()


IMPOSTORS = [make_link, make_fifo, make_socket, make_folder]


def locking(path):
    with locked(path):
        pass


USES = [
    lambda path: append_line(path, b"{}"),
    lambda path: Journal(path).append("started"),
    lambda path: list(read(path)),
    lambda path: decision_log.index(path),
    lambda path: regular_files.read_text(path),
    lambda path: regular_files.require(path),
    locking,
]


@pytest.mark.parametrize("make", IMPOSTORS)
@pytest.mark.parametrize("use", USES)
def test_what_is_no_file_is_refused_at_once_and_untouched(tmp_path, victim, make, use, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "journal.jsonl"
    make(path, victim)
    began = time.monotonic()
    with pytest.raises(OSError, match=r"symbolic link|not a regular file|directory"):
        use(path)
    assert lock_holder(path) is None
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("make", [make_link, make_fifo])
def test_a_partial_file_is_made_anew_and_never_written_through(tmp_path, victim, make):
    make(tmp_path / "config.toml.partial", victim)
    make(tmp_path / "config.toml", victim)
    regular_files.write_text(tmp_path / "config.toml", "whole")
    assert regular_files.read_text(tmp_path / "config.toml") == "whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "victim"]


def test_a_partial_folder_that_is_a_link_is_not_emptied(tmp_path, victim):
    (tmp_path / "made.partial").symlink_to(victim.parent, target_is_directory=True)
    with pytest.raises(OSError, match=r"."), replaced(tmp_path / "made"):
        pass


def test_decisions_are_not_written_through_a_link(tmp_path, victim):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "decisions").symlink_to(elsewhere, target_is_directory=True)
    record = DecisionRecord(0, "A", 0, None, [], [], "", [], [], [], 0.0, 0.0, [], 1.0, 1.0, {})
    with pytest.raises(OSError, match="symbolic link"):
        decision_log.append(tmp_path / "decisions", record)
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("make", [make_link, make_fifo, make_socket])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (RunFolder, "checkpoints"),
        (RunFolder, "collector"),
        (RunFolder, "export"),
        (PaperFolder, "snapshots"),
        (PaperFolder, "store.duckdb"),
        (PaperFolder, "store.duckdb.wal"),
        (PaperFolder, "store.duckdb.tmp"),
    ],
)
def test_a_folder_with_ways_out_of_it_is_not_held(tmp_path, victim, make, kind, name, monkeypatch):
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.chdir(run)
    make(run / name, victim)
    refusal = pytest.raises(OSError, match=r"symbolic link|not a regular file")
    with refusal as refused, kind(run).held():
        pass
    assert refused.value.filename == str(run / name)


def test_a_socket_is_where_a_session_puts_its_own(tmp_path):
    (tmp_path / "control.sock").symlink_to(tmp_path / "gone" / "control.sock")
    with PaperFolder(tmp_path).held():
        pass


def test_nothing_is_removed_behind_a_link(tmp_path):
    old = tmp_path / "home" / "old"
    old.mkdir(parents=True)
    os.utime(old, (0, 0))
    folder = PaperFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.begin(settings(("USDJPY",)))
    folder.snapshots_path.symlink_to(old.parent)
    with PaperStore(folder.store_path, exports=[folder.snapshots_path]) as store:
        store.begin({"n": 0})
        with Moment.of(folder, store) as moment, pytest.raises(StorageError, match="symbolic link"):
            take(moment)
    assert old.is_dir()


def test_a_window_is_no_run_of_somebody_else(tmp_path):
    (tmp_path / "window-01").symlink_to(tmp_path)
    with pytest.raises(OSError, match="symbolic link"):
        WalkForwardFolder(tmp_path).run(1)


def test_a_lock_that_holds_something_else_is_no_lock(victim):
    with pytest.raises(OSError, match="something other"), locked(victim):
        pass


@pytest.mark.parametrize(
    ("content", "number"),
    [(b"123", 123), (b" 7\n", 7), (b"", None), (b"0", None), (b"-1", None), (b"9" * 30, None)],
)
def test_a_lock_names_a_process_or_nothing(content, number):
    assert lock_number(content) == number


def test_what_is_too_large_is_not_read(tmp_path):
    file = tmp_path / "profile.json"
    with file.open("wb") as sparse:
        sparse.truncate(2**40)
    with pytest.raises(OSError, match="larger"):
        regular_files.read_text(file)


def test_a_configuration_is_no_link_and_not_nested_without_end(tmp_path, victim):
    (tmp_path / "config.toml").symlink_to(victim)
    with pytest.raises(ConfigError, match="symbolic link"):
        config_of_run(tmp_path / "config.toml")
    (tmp_path / "deep.toml").write_text("a = " + "[" * 100_000)
    with pytest.raises(ConfigError, match="TOML"):
        config_of_run(tmp_path / "deep.toml")
