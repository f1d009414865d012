"""A child process ends with its parent, leaves nothing, and answers what it was asked."""

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from doomed_parent import ANSWER_S
from folders import HELPERS
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.child import ChildLost
from mlx_muzero.exports.worker import GRACE_S
from mlx_muzero.profiling.subject import with_random_heads
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import build_model
from model_exports import break_programs, deployed_child, export_model


@pytest.fixture
def export(small_config, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HELPERS))
    model = build_model(small_config, TradingRules.from_config(small_config).table)
    return export_model(tmp_path / "export", small_config, with_random_heads(model))


def has_ended(pid):
    """Whether a process of some other parent is gone, or dead and not yet buried."""
    command = ["ps", "-o", "state=", "-p", str(pid)]
    state = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return state.strip().startswith("Z") or not state.strip()


def ends_in(pid, limit_s):
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if has_ended(pid):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("doing", ["idle", "busy"])
def test_parent_dies(export, doing):
    """Killed, so that it can do nothing; a child that hangs meanwhile is ended by its own timer."""
    break_programs(export, "hang")
    command = [sys.executable, HELPERS / "doomed_parent.py", export, doing]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        time.sleep(0.2)
        assert not has_ended(pid)
        parent.kill()
    assert ends_in(pid, 5.0 + ANSWER_S + GRACE_S)


def test_nothing_is_left_of_a_child(export):
    gc.collect()
    before = sorted(Path("/dev/fd").iterdir())
    child, inputs = deployed_child(export)
    child.call("recurrent_b2", inputs)
    pid = child.pid
    assert os.getpgid(pid) != os.getpgrp()  # Ctrl-C is for the parent
    child.end()
    with pytest.raises(ChildLost):
        child.call("recurrent_b2", inputs)
    del child
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert sorted(Path("/dev/fd").iterdir()) == before
    shm = Path("/dev/shm")
    assert not shm.exists() or not list(shm.glob("mlxmz*"))


def test_inputs_are_checked_and_outputs_are_copies(export):
    child, inputs = deployed_child(export)
    wrong = {name: array[..., :1] for name, array in inputs.items()}
    with pytest.raises(ExportError, match="input latent is"):
        child.call("recurrent_b2", wrong)
    first = child.call("recurrent_b2", inputs)
    kept = {name: array.copy() for name, array in first.items()}
    child.call("recurrent_b2", {name: array[..., ::-1].copy() for name, array in inputs.items()})
    for name, array in first.items():
        np.testing.assert_array_equal(array, kept[name])


def test_an_interrupted_request_leaves_no_answer_for_the_next(export):
    """As by Ctrl-C in a notebook, which goes on."""

    class Interrupt(BaseException):
        pass

    def interrupt(number, frame):
        raise Interrupt

    child, inputs = deployed_child(export)
    break_programs(export, "late")
    former = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(Interrupt):
            child.call("recurrent_b2", inputs)
    finally:
        signal.signal(signal.SIGALRM, former)
    with pytest.raises(ChildLost):
        child.call("recurrent_b2", inputs)


def test_last_words_are_part_of_the_reason(export):
    child, inputs = deployed_child(export)
    break_programs(export, "abort")
    with pytest.raises(ChildLost, match=r"it ended by SIGABRT \(MLIR pass manager failed\)"):
        child.call("recurrent_b2", inputs)
