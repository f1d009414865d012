"""A training that is interrupted saves, says how to go on, and ends at once if told again."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlx_muzero.runlog import journal
from mlx_muzero.training.run import RunFolder


def long_training(config_file, db):
    endless = ("--set", "train.episodes=100000", "--set", "train.validate_interval=100000")
    return ("train", "--run", "run", "--config", config_file, "--db", db, *endless)


def start_training(tmp_path, config_file, db):
    """A long training in a process of its own, once it has collected something."""
    command = [sys.executable, "-m", "muzero_cli.main", *long_training(config_file, db)]
    process = subprocess.Popen(
        command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_for(lambda: "learned" in kinds(tmp_path / "run"), process)
    return process


def kinds(run):
    path = RunFolder(run).journal_path
    return [event["event"] for event in journal.read(path)] if path.exists() else []


def wait_for(condition, process):
    deadline = time.monotonic() + 60.0
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_an_interrupted_run_saves_and_says_how_to_go_on(cli, tmp_path, config_file, db):
    process = start_training(tmp_path, config_file, db)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert_it_stopped((process.returncode, out, err), tmp_path / "run")
    stopped = list(journal.read(RunFolder(tmp_path / "run").journal_path))[-1]
    code, _, err = cli("train", "--run", "run", "--resume", "--minutes", "0.005")
    assert code == 0, err
    events = list(journal.read(RunFolder(tmp_path / "run").journal_path))
    assert [e["steps"] for e in events if e["event"] == "resumed"] == [stopped["steps"]]
    assert events[-1]["event"] == "stopped"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_stop_a_run_as_well(cli, tmp_path, config_file, db, number, hangups):
    """In this process, which they would end if nobody minded them."""

    def send_once_it_learned():
        deadline = time.monotonic() + 60.0
        while "learned" not in kinds(tmp_path / "run"):
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    with ThreadPoolExecutor(1) as other:
        sent = other.submit(send_once_it_learned)
        ended = cli(*long_training(config_file, db))
        sent.result()
    assert_it_stopped(ended, tmp_path / "run")


def assert_it_stopped(ended, run):
    code, out, err = ended
    assert (code, out) == (130, "")
    assert "resume with: mlx-muzero train --run run --resume" in err
    assert "Traceback" not in err
    assert kinds(run)[-2:] == ["saved", "stopped"]


@pytest.mark.slow
def test_a_second_interrupt_ends_the_run_at_once(tmp_path, config_file, db):
    """In a checkpoint that takes too long, say; the one before stays whole."""
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import sys, time\n"
        "from mlx_muzero.training.checkpoint import CheckpointStore\n"
        "def save(*_, **__):\n"
        "    print('saving', flush=True)\n"
        "    time.sleep(60)\n"
        "CheckpointStore.save = save\n"
        "from muzero_cli.main import run\n"
        "run()\n"
    )
    command = [sys.executable, slow, "train", "--run", "run", "--config", config_file, "--db", db]
    # No checkpoint is due before the interrupt: two signals at once would count as one.
    for count in ("episodes", "validate_interval", "checkpoint_interval"):
        command += ["--set", f"train.{count}=1000000"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell's background jobs ignore interrupts, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    # Before, MLX compiles kernels by system(), during which a process ignores interrupts.
    wait_for(lambda: "learned" in kinds(tmp_path / "run"), process)
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "saving\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode not in (0, None)
    assert "Traceback" not in err
