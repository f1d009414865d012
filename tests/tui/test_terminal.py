"""The application in a real terminal: what it leaves behind, however it ends."""

import os
import re
import signal
import time

import pytest

from examples import cases
from mlx_muzero.runlog import journal
from mlx_muzero.watch.process import holder
from pty_terminal import PATIENCE_S, Terminal
from training_journals import training_run

ENTER, LEAVE, CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"


@pytest.fixture
def terminal(tmp_path):
    folder, _ = training_run(tmp_path / "edge")
    opened = Terminal("tui", folder)
    yield opened
    opened.close()


@pytest.mark.parametrize("verb", [("tui", "runs"), ("train", "--run", "new", "--tui")])
def test_without_a_terminal_it_is_wrong_usage(cli, verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = cli(*verb)
    assert (code, out) == (2, "")
    assert f"mlx-muzero status {'new' if verb[0] == 'train' else 'runs'} prints the same" in err
    assert not list(tmp_path.iterdir()), "nothing is begun"


BUSY = """
import os, time
from muzero_cli import main
from muzero_tui.app import MuZeroApp
MuZeroApp.poll = lambda self: (os.write(2, b"busy"), time.sleep(600))
main.run()
"""


def test_a_signal_ends_even_what_is_busy(tmp_path):
    folder, _ = training_run(tmp_path / "edge")
    opened = Terminal("tui", folder, code=BUSY)
    try:
        opened.read_until(b"busy")
        opened.process.send_signal(signal.SIGTERM)
        opened.read_until(LEAVE)
        opened.read_until(CURSOR)
        assert opened.process.wait(PATIENCE_S) == 128 + signal.SIGTERM
    finally:
        opened.close()


@pytest.mark.parametrize("end", cases(1, ["q", "SIGTERM"]))
def test_the_terminal_is_as_it_was(terminal, end):
    terminal.read_until(b"losses")
    assert ENTER in terminal.written
    if end == "q":
        terminal.type(b"q12345sfhg?/xq")
    else:
        terminal.process.send_signal(signal.SIGTERM)
    terminal.read_until(LEAVE)
    terminal.read_until(CURSOR)
    terminal.process.wait(PATIENCE_S)


def ended_with(run, pid, event):
    """Stops a process by SIGTERM; whether that is the journal's last event."""
    os.kill(pid, signal.SIGTERM)
    limit = time.monotonic() + PATIENCE_S
    while holder(run) is not None and time.monotonic() < limit:
        time.sleep(0.1)
    *_, last = journal.read(run / "journal.jsonl")
    return last["event"] == event


def pid_in(written):
    (found,) = re.findall(rb"is running in process (\d+); watch it", written)
    return int(found)


def begun_in_terminal(run, stopping, *arguments):
    """Begins a verb with `--tui`, leaves the application; what goes on and under which number.

    At the end the command is told, beginning as `stopping`, that stops it.
    """
    opened = Terminal(*arguments, "--run", run, "--tui")
    try:
        opened.read_until(ENTER)
        opened.read_until("● running".encode())
        assert holder(run) not in (None, opened.process.pid)
        opened.type(b"q")
        opened.read_until(stopping)
        opened.process.wait(PATIENCE_S)
    finally:
        opened.close()
    pid = pid_in(opened.written)
    assert holder(run) == pid
    return pid


@pytest.mark.slow
def test_training_goes_on_when_its_watcher_is_left(config_file, db, tmp_path):
    pid = begun_in_terminal(
        tmp_path / "run", b"stop it with a checkpoint: kill ", "train", "--config", config_file,
        "--db", db, "--set", "train.episodes=100000", "--minutes", "1",
    )  # fmt: skip
    assert ended_with(tmp_path / "run", pid, "stopped")


@pytest.mark.slow
def test_a_paper_session_goes_on_when_its_watcher_is_left(cli, trained, db, tmp_path):
    begin = ("paper", "start", "--model", trained, "--pairs", "TEST", "--db", db, "--speed", "60")
    run = tmp_path / "paper"
    begun_in_terminal(run, f"mlx-muzero paper stop {run}".encode(), *begin)
    assert cli("paper", "stop", run)[0] == 0
    assert holder(run) is None
    *_, last = journal.read(run / "journal.jsonl")
    assert last["event"] == "stopped"


@pytest.mark.slow
def test_what_cannot_be_begun_is_said_instead_of_watched(cli, trained, tmp_path, monkeypatch):
    monkeypatch.setattr("muzero_cli.background.require_terminal", lambda run: None)
    code, _, err = cli("paper", "start", "--model", trained, "--db", "none", "--tui", "--run", "p")
    assert code == 4
    assert "none" in err
    assert (tmp_path / "p.log").exists()


def test_status_says_the_same_without_it(cli, tmp_path):
    folder, _ = training_run(tmp_path / "edge")
    code, out, _ = cli("status", folder)
    assert code == 0
    assert "episodes                   768" in out
    code, out, _ = cli("status", folder, "--json")
    assert code == 0
    assert '"condition": "disconnected"' in out
    code, _, err = cli("status", tmp_path)
    assert code == 5
    assert "holds no run" in err
