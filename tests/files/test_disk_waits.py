"""What is told of waiting for mapped pages: only what waited, only while it matters."""

import resource
import time
from types import SimpleNamespace

import pytest

from mlx_muzero.files.disk_waits import DiskWaits, RecentWaits


@pytest.fixture
def machine(monkeypatch):
    """A machine whose clocks and faults the test moves."""
    now = SimpleNamespace(wall=100.0, ran=5.0, faults=7)
    monkeypatch.setattr(time, "perf_counter", lambda: now.wall)
    monkeypatch.setattr(time, "thread_time", lambda: now.ran)
    monkeypatch.setattr(resource, "getrusage", lambda _who: SimpleNamespace(ru_majflt=now.faults))
    return now


def test_only_time_that_pages_were_waited_for_counts(machine):
    waits = DiskWaits()
    with waits.watched():
        machine.wall += 3.0
        machine.ran += 1.0
    assert waits.seconds == 0.0  # busy, or waiting for something else
    with waits.watched():
        machine.wall += 3.0
        machine.ran += 1.0
        machine.faults += 2
    assert waits.seconds == 2.0


def test_waiting_is_told_of_while_it_matters():
    waits, now = DiskWaits(), SimpleNamespace(s=0.0)
    recent = RecentWaits(waits, lambda: now.s)
    assert recent.in_words() is None
    now.s, waits.seconds = 10.0, 3.14
    assert recent.in_words() == "3.1 s of the last 10 s waited for the disk"
    for _ in range(11):
        now.s += 10.0
        told = recent.in_words()
    assert told is None
    now.s, waits.seconds = now.s + 10.0, waits.seconds + 9.0
    assert recent.in_words() == "9.0 s of the last 60 s waited for the disk"
