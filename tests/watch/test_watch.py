"""Watched runs: their state at any moment, their process, and the list of them."""

import fcntl
import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.runlog.journal import Journal
from mlx_muzero.untrusted.shapes import Malformed
from mlx_muzero.watch.curve import MOST_POINTS, Curve
from mlx_muzero.watch.events import checked
from mlx_muzero.watch.listing import RunListing
from mlx_muzero.watch.process import holder
from mlx_muzero.watch.run import WatchedRun
from mlx_muzero.watch.train_state import TrainState
from mlx_muzero.watch.units import unit_of
from muzero_tui.formats import age
from paper_journals import Session
from watching import NOON, Clock, learned


def test_a_resumed_run_takes_back_what_happens_again():
    state = TrainState()
    for steps in (20, 40, 60):
        state.apply({"event": "learned", **learned(steps)})
    state.apply({"event": "resumed", "episodes": 8, "steps": 40})
    assert state.losses["total"].x == [20, 40]
    state.apply({"event": "learned", **learned(60, total=0.5)})
    assert state.losses["total"].y == [1.0, 1.0, 0.5]


def test_a_wait_for_the_disk_is_told_until_it_is_over():
    state = TrainState()
    for waited in ({"disk_wait_s": 2.5}, {}):
        line = json.dumps({"event": "learned", "time": NOON.isoformat(), **learned(20), **waited})
        state.apply(checked(line.encode()))
        assert state.as_dict()["disk_wait_s"] == waited.get("disk_wait_s")


def test_events_of_another_form_change_nothing():
    for event in ({"event": "learned"}, {"event": "validated", "metrics": None}, {"event": 1}):
        with pytest.raises(Malformed):
            checked(json.dumps(event).encode())
    state = TrainState()
    state.apply(checked(b'{"event": "new", "time": "2026-01-04T12:00:00+00:00"}'))
    assert state.steps == 0
    assert state.time == NOON


def test_the_pace_gives_the_time_left(journal, watched, clock):
    journal.append("started", episodes_due=100)
    for episodes in (10, 20, 30):
        clock.now += timedelta(seconds=30)
        journal.append("collected", episodes=episodes)
    watched.poll()
    assert watched.state.episodes_per_min == pytest.approx(20.0)
    assert watched.state.left_s == pytest.approx(210.0)


def test_the_end_is_what_the_journal_says(journal, watched):
    watched.poll()
    assert watched.condition == "no data"
    journal.append("learned", **learned(20))
    watched.poll()
    assert watched.condition == "disconnected"
    journal.append("finished")
    watched.poll()
    assert watched.condition == "finished"


@pytest.mark.parametrize(
    ("told", "condition"),
    [
        (["paper_started", "stopped", "parity"], "stopped"),
        (["paper_started", "finished", "parity", "something_new"], "finished"),
        (["paper_started", "stopped", "parity", "paper_started"], "disconnected"),
        (["stopped", "paper_started", "finished"], "finished"),
    ],
)
def test_what_is_journaled_after_an_ending_leaves_it(tmp_path, told, condition):
    folder = tmp_path / "paper"
    folder.mkdir()
    (folder / "paper.toml").touch()
    for event in told:
        Journal(folder / "journal.jsonl").append(event, reason=f"of {event}")
    watched = WatchedRun(folder)
    watched.poll()
    assert watched.condition == condition
    ended = condition != "disconnected"
    assert watched.state.reason == (f"of {condition}" if ended else "")
    (listed,) = RunListing(folder).refresh()
    assert listed.condition == condition


def test_a_process_is_seen_to_live_and_to_die(folder, journal, watched):
    code = (
        "import fcntl, os, sys, time\n"
        f"lock = open({str(folder / 'lock')!r}, 'w')\n"
        "fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "lock.write(str(os.getpid())); lock.flush(); print('held', flush=True); time.sleep(60)"
    )
    journal.append("learned", **learned(20))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        watched.poll()
        assert (watched.condition, watched.pid) == ("running", process.pid)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    watched.poll()
    assert watched.condition == "disconnected"


def test_looking_for_the_holder_takes_no_lock_from_one_that_begins(folder):
    (folder / "lock").write_text("999999999")
    with (folder / "lock").open("a+") as mine:
        fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert holder(folder) is None
    (folder / "lock").write_text(str(os.getpid()))
    assert holder(folder) is None, "a number that is alive but holds nothing"


def test_replay_follows_the_times_of_the_journal(journal, watched, clock):
    for minute in range(10):
        clock.now = NOON + timedelta(minutes=minute)
        journal.append("learned", **learned(20 * minute))
    watched.poll()
    watched.playback.replay()
    watched.poll()
    assert (watched.playback.position, watched.state.steps) == (1, 0)
    clock.now += timedelta(seconds=3)  # at 60 times
    watched.poll()
    assert watched.state.steps == 60
    assert watched.playback.now == NOON + timedelta(minutes=3)
    watched.playback.pause()
    clock.now += timedelta(seconds=30)
    watched.poll()
    assert watched.state.steps == 60
    watched.playback.scrub(-0.1)
    watched.poll()
    assert watched.state.steps == 40
    watched.playback.live()
    watched.poll()
    assert watched.state.steps == 180


@given(moves=st.lists(st.sampled_from([-0.3, 0.3, "replay", "live", "pause", 7.0]), max_size=12))
def test_wherever_one_goes_the_state_is_that_of_the_moment(tmp_path_factory, moves):
    clock, run = Clock(), tmp_path_factory.mktemp("run")
    (run / "config.toml").touch()
    journal = Journal(run / "journal.jsonl", clock)
    for minute in range(20):
        clock.now = NOON + timedelta(minutes=minute)
        journal.append("learned", **learned(minute))
    watched = WatchedRun(run, clock)
    watched.poll()
    for move in moves:
        if isinstance(move, str):
            getattr(watched.playback, move)()
        elif move == 7.0:
            clock.now += timedelta(seconds=move)
        else:
            watched.playback.scrub(move)
        watched.poll()
        assert 1 <= watched.playback.position <= 20
        assert watched.state.steps == watched.playback.position - 1
        assert len(watched.state.losses["total"]) == watched.playback.position


def test_a_curve_is_bounded_and_keeps_its_ends():
    series = Curve()
    for x in range(3 * MOST_POINTS):
        series.append(x, float(x))
    assert len(series) <= MOST_POINTS
    assert (series.x[0], series.last) == (0, 3 * MOST_POINTS - 1)
    assert series.x == sorted(series.x)


def test_runs_are_listed_with_kind_condition_and_best(tmp_path, folder, journal):
    journal.append("validated", best=True, metrics={"expectancy_pips": 1.5, "trades": 7})
    journal.append("finished")
    Session(tmp_path / "paper").minute()
    (tmp_path / "no-run").mkdir()
    found = {run.folder.name: run for run in RunListing(tmp_path).refresh()}
    assert found.keys() == {"run", "paper"}
    assert (found["run"].kind, found["run"].condition) == ("training", "finished")
    assert found["run"].best == "+1.50 pips a trade, 7 trades"
    assert (found["paper"].kind, found["paper"].condition) == ("paper", "disconnected")


def test_a_run_is_as_old_as_its_newest_event_and_none_leads_from_the_future(tmp_path, clock):
    for name, days in (("today", 0), ("next century", 40_000), ("yesterday", -1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.toml").touch()
        at = clock() + timedelta(days=days)
        path = tmp_path / name / "journal.jsonl"
        Journal(path, lambda at=at: at).append("started")
        Journal(path).append("stopped", time="no time")  # it has none
        os.utime(path, (2**33, 2**33))
    listed = RunListing(tmp_path, clock).refresh()
    assert [run.folder.name for run in listed] == ["today", "yesterday", "next century"]
    for run in listed:
        watched = WatchedRun(run.folder, clock)
        watched.poll()
        assert run.changed == watched.state.time


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "-"), (4.2, "4s"), (200, "3m"), (-0.3, "0s"), (-200, "in 3m"), (-4e9, "in 46296d")],
)
def test_an_age_tells_a_time_yet_to_come(seconds, words):
    assert age(seconds) == words


@pytest.mark.parametrize(
    ("config", "begun", "unit"),
    [
        ("", {}, "pips"),
        ("[market]\npip_size = 0.0\n", {}, "bps"),  # of 0.1.0, whose journals do not say
        ("[market]\npip_size = 0.0001\n", {"unit": "bps"}, "bps"),
        ("[market\n", {}, "pips"),
        ("market = 5\n", {}, "pips"),
    ],
)
def test_figures_are_in_the_unit_of_the_run(cli, folder, journal, config, begun, unit):
    (folder / "config.toml").write_text(config)
    journal.append("started", **begun)
    metrics = {"expectancy_pips": 1.5, "win_frac": 0.5, "trades": 7, "net_pips_per_session": 2.0}
    journal.append("validated", best=True, metrics=metrics)
    (run,) = RunListing(folder.parent).refresh()
    assert run.best == f"+1.50 {unit} a trade, 7 trades"
    facts = json.loads(cli("status", folder, "--json")[1])
    assert facts["unit"] == unit
    assert facts["validation"][f"expectancy_{unit}"] == 1.5
    assert facts["best"][f"net_{unit}_per_session"] == 2.0
    assert ("bps" in json.dumps(facts)) == (unit == "bps")


def test_another_run_in_the_same_folder_has_a_unit_of_its_own(folder):
    units = []
    for pip_size in ("0.0", "0.01"):
        (folder / "config.toml").write_text(f"[market]\npip_size = {pip_size}\n")
        units.append(unit_of(folder, {}))
    assert units == ["bps", "pips"]
