"""What training says of itself where there is no terminal."""

import io
import time

import pytest

from mlx_muzero.files.disk_waits import DISK_WAITS
from muzero_cli.display.terminal import TerminalConsole
from muzero_cli.display.training import SECONDS_BETWEEN_LINES, TrainingDisplay


@pytest.mark.parametrize("waited", [0.0, 3.14])
def test_a_wait_for_features_on_the_disk_is_told(monkeypatch, waited):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    display = TrainingDisplay(TerminalConsole(file=io.StringIO(), width=400), ("HOLD",), None)
    now[0] += SECONDS_BETWEEN_LINES
    monkeypatch.setattr(DISK_WAITS, "seconds", DISK_WAITS.seconds + waited)
    display.decided(1)
    said = display._console.file.getvalue()
    assert "decisions/s" in said
    assert ("reading 3.1 s of the last 10 s waited for the disk" in said) == bool(waited)


def test_a_run_that_learns_from_bars_names_nothing_of_self_play():
    console = TerminalConsole(file=io.StringIO(), width=400)
    for from_bars in (False, True):
        display = TrainingDisplay(console, ("HOLD",), None, from_bars=from_bars)
        display._phase = "search"
        named = {name for name, _ in display._facts()}
        assert named.isdisjoint({"stage", "decisions/s", "actions"}) == from_bars
