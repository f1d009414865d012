"""What a watch does at each look: by rules alone, in simulated time."""

import dataclasses

import pytest

from mlx_muzero.watchdog.vigil import HANGS_S, LOADING_S, PULSES, UNMENDABLE, Look, Vigil

PULSE_S = 30.0
ALIVE = Look(pid=7, end=100, pulse_s=PULSE_S, journaled_by=7, boot="b1")
GONE = dataclasses.replace(ALIVE, pid=None)


def whats(vigil, *looks, step_s=2.0):
    return [[step.what for step in vigil.take(look, step_s)] for look in looks]


def later(look, **facts):
    return dataclasses.replace(look, **facts)


def test_a_process_that_is_gone_twice_died_and_is_started_again():
    vigil = Vigil(restarts=True)
    assert whats(vigil, ALIVE, GONE, GONE, GONE) == [[], [], ["died", "start"], ["start"]]
    assert whats(vigil, later(ALIVE, pid=8)) == [[]]  # loads
    assert whats(vigil, later(ALIVE, pid=8, end=120, journaled_by=8)) == [["back"]]


def test_without_restarts_it_is_told_once():
    assert whats(Vigil(restarts=False), ALIVE, GONE, GONE, GONE) == [[], [], ["died"], []]


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({"ending": "stopped", "by": "command"}, ["resting"]),
        ({"ending": "stopped", "by": "SIGINT"}, ["resting"]),
        ({"ending": "stopped", "by": "SIGTERM"}, ["resting"]),
        ({"ending": "stopped", "by": ""}, ["resting"]),
        ({"ending": "finished"}, ["resting"]),
        ({"halted": True}, ["died", "refused"]),
        ({"fault": "feed: no"}, ["died", "start"]),
        ({"exit_code": 1}, ["died", "start"]),
        ({"exit_code": -9}, ["died", "start"]),
        ({"exit_code": 10}, ["refused"]),
        ({"ending": "stopped", "by": "SIGTERM", "boot": "b2"}, ["died", "start"]),
        ({"ending": "stopped", "by": "command", "boot": "b2"}, ["resting"]),
        ({"ending": "finished", "boot": "b2"}, ["resting"]),
        ({"halted": True, "boot": "b2"}, ["died", "refused"]),
        ({"boot": "b2"}, ["died", "start"]),
    ],
)
def test_how_it_ended_decides(facts, what):
    gone = later(GONE, **facts)
    vigil = Vigil(restarts=True)
    first, _, second, third = whats(vigil, ALIVE, gone, gone, gone)
    assert (first, second) == ([], what)
    assert third == (["start"] if "start" in what else [])


@pytest.mark.parametrize("code", sorted(UNMENDABLE))
def test_what_a_restart_cannot_mend_is_told_once_until_somebody_starts_it(code):
    vigil, refused = Vigil(restarts=True), later(GONE, exit_code=code)
    assert whats(vigil, refused, refused, refused) == [[], ["refused"], []]
    assert whats(vigil, ALIVE, GONE, GONE) == [["back"], [], ["died", "start"]]


def test_silence_is_told_once_then_ended_by_force_and_back_when_it_journals():
    vigil, step_s = Vigil(restarts=True), 5.0
    vigil.take(ALIVE, 0.0)
    told = {}
    for number in range(1, 100):
        for step in vigil.take(ALIVE, step_s):
            told.setdefault(step.what, number * step_s)
    assert told["silent"] == PULSES * PULSE_S + step_s < 90.0
    assert told["kill"] == PULSES * PULSE_S + HANGS_S + step_s
    assert whats(vigil, later(ALIVE, end=130)) == [["back"]]
    calm = Vigil(restarts=False)
    assert ["kill"] not in whats(calm, *[ALIVE] * 200, step_s=5.0)


def test_signs_of_life_keep_it_alive():
    vigil = Vigil(restarts=True)
    looks = [later(ALIVE, end=100 + number // 15) for number in range(1000)]
    assert not any(whats(vigil, *looks))


def test_a_version_without_a_pulse_is_not_judged_by_silence():
    assert not any(whats(Vigil(restarts=True), *[later(ALIVE, pulse_s=None)] * 500, step_s=10.0))


def test_a_process_may_take_minutes_to_load():
    vigil, loading = Vigil(restarts=True), later(ALIVE, pid=8)
    quiet = int(LOADING_S / 10.0)
    *before, last = whats(vigil, *[loading] * (quiet + 2), step_s=10.0)
    assert not any(before)
    assert last == ["silent"]


def test_a_sleep_is_no_silence_and_the_engine_gets_its_chance_after_it():
    vigil = Vigil(restarts=True)
    whats(vigil, *[ALIVE] * 14, step_s=5.0)  # 65 s of silence, ten seconds before the alarm
    assert vigil.take(ALIVE, 8 * 3600.0) == []  # a clock that went on while the machine slept
    assert not any(whats(vigil, *[ALIVE] * 15, step_s=5.0))
    assert whats(vigil, ALIVE, step_s=5.0) == [["silent"]]


def test_a_death_that_was_told_is_not_told_by_the_next_watch():
    vigil = Vigil(restarts=False)
    whats(vigil, ALIVE, GONE, GONE)
    after = Vigil(restarts=False, boot=vigil.boot, told=vigil.told)
    assert whats(after, GONE, GONE, GONE) == [[], [], []]
    assert whats(after, later(ALIVE, end=200), later(GONE, end=200), later(GONE, end=200))[2] == [
        "died"
    ]
