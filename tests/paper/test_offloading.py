"""Exported programs that take longer than the deadline leaves, and what takes over."""

import time
from itertools import chain, repeat

import numpy as np
import pytest

from mlx_muzero.errors import SearchError
from mlx_muzero.paper.offloading import AGAIN, STEPS, Asked, Offloading
from paper_sessions import WARM_BARS, DicePlanner, events_of, market, play, settings

ASKED = Asked(np.zeros((1, 2, 3), np.float32), np.zeros(1, np.int32), np.zeros(1, np.uint64), None)


class Clocked(DicePlanner):
    """A planner whose searches take so many seconds a simulation, by `clock`."""

    def __init__(self, clock, backend, seconds_each, rivals=None):
        super().__init__()
        self.clock, self.backend, self.root_backend = clock, backend, backend
        self.seconds_each = seconds_each
        self.rivals_s = rivals or {}
        self.adopted = []

    @property
    def rivals(self):
        return tuple(self.rivals_s) if self.backend == "coreai" else ()

    def on(self, backend, root_backend="auto"):
        if self.rivals_s[backend] is None:
            raise SearchError("it cannot be represented")
        return Clocked(self.clock, backend, self.rivals_s[backend])

    def adopt(self, rival):
        self.adopted.append(rival.backend)
        self.backend = self.root_backend = rival.backend
        self.seconds_each = rival.seconds_each

    def plan(self, observation, position, seed, simulations, moment):
        self.clock[0] += simulations * self.seconds_each
        return super().plan(observation, position, seed, simulations, moment)


def watched(seconds_each, **rivals):
    clock = [0.0]
    planner = Clocked(clock, "coreai", seconds_each, rivals)
    return planner, Offloading(planner, 10, 2, lambda: clock[0])


def steps(offloading, seconds, left_s=1.0, simulations=10):
    """Moves that follow from steps that take `seconds` each."""
    found = []
    for taken in seconds:
        offloading.measured(ASKED, simulations, taken, left_s)
        if (move := offloading.reconsider()) is not None:
            found.append(move)
    return found


def test_a_median_beyond_the_share_moves_to_the_fastest_once():
    planner, offloading = watched(0.09, native=0.02, mlx=0.05)
    (move,) = steps(offloading, repeat(0.9, 3 * STEPS))
    assert (move.played, move.backend, planner.backend) == ("coreai", "native", "native")
    assert planner.adopted == ["native"]
    assert move.rivals_ms == pytest.approx({"native": 200.0, "mlx": 500.0})
    assert (move.step_ms, move.share_ms) == (pytest.approx(900.0), pytest.approx(800.0))
    assert "native takes over until the session is started again" in str(move)
    assert move.facts["reason"] == str(move)


def test_it_takes_many_slow_steps_and_no_few_outliers():
    planner, offloading = watched(0.09, native=0.02)
    assert steps(offloading, repeat(9.0, STEPS - 1)) == []
    planner, offloading = watched(0.09, native=0.02)
    assert steps(offloading, chain.from_iterable(repeat((0.1, 9.0, 0.1), 50))) == []
    assert planner.backend == "coreai"


def test_fewer_simulations_do_not_hide_that_all_would_take_too_long():
    planner, offloading = watched(0.09, native=0.02)
    (move,) = steps(offloading, repeat(0.45, STEPS), simulations=5)
    assert move.step_ms == pytest.approx(900.0)
    assert planner.backend == "native"


def test_what_is_hardly_faster_does_not_take_over_and_is_not_timed_at_once_again():
    planner, offloading = watched(0.09, native=0.08)
    first, second = steps(offloading, repeat(0.9, STEPS + AGAIN))
    assert first.backend is None
    assert "none is clearly faster, so coreai goes on with fewer simulations" in str(first)
    assert (second.backend, planner.backend) == (None, "coreai")


def test_what_cannot_play_is_no_rival():
    _, offloading = watched(0.09, native=None, mlx=0.01)
    (move,) = steps(offloading, repeat(0.9, STEPS))
    assert (move.backend, list(move.rivals_ms)) == ("mlx", ["mlx"])


def test_without_an_export_nothing_is_ever_moved():
    clock = [0.0]
    planner = Clocked(clock, "native", 1.0, {"mlx": 0.0})
    offloading = Offloading(planner, 10, 2, lambda: clock[0])
    assert steps(offloading, repeat(99.0, 2 * STEPS)) == []


def test_a_session_moves_tells_it_and_journals_what_decided_each_minute(tmp_path):
    paper = settings(("USDJPY",), "session.simulations=10", "timing.deadline_ms=1")
    planner = Slow()
    played = play(tmp_path / "run", paper, planner, bars=[market("USDJPY", WARM_BARS + 20)])
    (moved,) = events_of(played, "backend_moved")
    assert (moved["played"], moved["backend"]) == ("coreai", "native")
    by = [minute["backend"] for minute in events_of(played, "minute") if minute["simulations"]]
    assert by == ["coreai"] * STEPS + ["native"] * (21 - STEPS)
    counts = [row["simulations"] for row in played.decisions]
    assert set(counts[:STEPS]) == {2}
    assert len(counts) == 21
    assert not events_of(played, "fault")


class Slow(Clocked):
    """Takes a millisecond a simulation of the session's own stopwatch until it is replaced."""

    def __init__(self):
        super().__init__([0.0], "coreai", 0.001, {"native": 0.0})

    def plan(self, observation, position, seed, simulations, moment):
        time.sleep(simulations * self.seconds_each)
        return super().plan(observation, position, seed, simulations, moment)
