"""However often a session is killed, it ends as if it had not been."""

import json
import os
import subprocess
import sys

import pytest

from examples import cases
from folders import HELPERS
from killed_paper import COMMANDS, live
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.tables import TABLES
from mlx_muzero.runlog import journal


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The tables of a session that nothing killed, some of its pairs excluded for a while."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    live(folder, lambda _point: None)
    return tables_in(folder)


def tables_in(folder):
    with PaperStore(folder / "store.duckdb", read_only=True) as store:
        return {name: store.table(name) for name in TABLES}


def killed(folder, seed, most, how):
    """Kills, and the tables that the last life left."""
    path = os.pathsep.join([str(HELPERS), *sys.path])
    done = subprocess.run(
        [sys.executable, HELPERS / "killed_paper.py", folder, str(seed), str(most), how],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), tables_in(folder)


def assert_same(tables, whole, folder):
    for name in TABLES:
        assert tables[name] == whole[name], name
    assert len(tables["trades"]) > 20
    events = list(journal.read(folder / "journal.jsonl"))
    numbers = [event["seq"] for event in events]
    assert numbers == list(range(1, len(numbers) + 1)), "an event was lost or told twice"
    commands = [f"{row['name']} {row['pair'] or ''}".strip() for row in tables["commands"]]
    assert commands == list(COMMANDS.values())
    told = [event for event in events if event["event"] == "fill"]
    assert [event["id"] for event in told] == [row["id"] for row in tables["fills"]]
    closes = [event["close_ns"] for event in events if event["event"] == "minute"]
    assert closes == [row["close_ns"] for row in tables["equity"]]
    return events


@pytest.mark.parametrize("most", cases(1, [6, 36]))
def test_killed_between_any_two_steps(tmp_path, uninterrupted, most):
    """At the points where a kill hurts most: before and after a commit, between two lines."""
    report, tables = killed(tmp_path / "run", seed=1, most=most, how="points")
    events = assert_same(tables, uninterrupted, tmp_path / "run")
    started = [event for event in events if event["event"] == "paper_started"]
    assert report["kills"] >= most * 5 // 6
    assert sum(event["resumed"] for event in started) >= most * 5 // 9
    holes = [event for event in events if event["event"] == "hole"]
    assert holes
    assert all(hole["reason"] == "the engine was not running" for hole in holes)


@pytest.mark.slow
def test_killed_at_any_time(tmp_path, uninterrupted):
    report, tables = killed(tmp_path / "run", seed=2, most=12, how="times")
    assert_same(tables, uninterrupted, tmp_path / "run")
    assert report["kills"] >= 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 10))
def test_killed_hundreds_of_times(tmp_path, uninterrupted, seed):
    """Points close together, so that hundreds of kills fit into one session."""
    report, tables = killed(tmp_path / "run", seed, 1000, "points" if seed % 2 else "times")
    assert_same(tables, uninterrupted, tmp_path / "run")
    print(f"{report['kills']} kills")
