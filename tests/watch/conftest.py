"""A run folder, its journal, and what watches it."""

import pytest

from mlx_muzero.runlog.journal import Journal
from mlx_muzero.watch.run import WatchedRun
from watching import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def folder(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.toml").touch()
    return run


@pytest.fixture
def journal(folder, clock):
    return Journal(folder / "journal.jsonl", clock)


@pytest.fixture
def watched(folder, clock):
    return WatchedRun(folder, clock)
