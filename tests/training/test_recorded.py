"""Recorded operations give what making them anew gives, dropout and state included."""

import threading

import mlx.core as mx
import numpy as np
import pytest

from mlx_muzero.networks.dropout import Dropout, seed_dropout
from mlx_muzero.training import recorded
from mlx_muzero.training.recorded import Recorded, set_mode

pytestmark = pytest.mark.skipif(set_mode() is None, reason="this MLX cannot record unfused")


@pytest.fixture
def dropout():
    layer = Dropout(0.5)
    layer.train()
    return layer


@pytest.fixture
def calls(dropout):
    """A recorded function that draws units and counts in its state, and how often it ran."""
    state, ran = {"calls": mx.array(0)}, []

    def function(x):
        ran.append(x.shape)
        state["calls"] = state["calls"] + 1
        return {"dropped": dropout(x), "random": mx.random.uniform(shape=x.shape)}

    return Recorded(function, [state, mx.random.state]), function, state, ran


def test_units_are_those_that_would_have_been_drawn(calls):
    again, function, state, ran = calls
    x = mx.ones((3, 5))
    seed_dropout(1)
    expected = [function(x) for _ in range(4)]
    ran.clear()
    seed_dropout(1)
    for number, each in enumerate(expected, 5):
        found = again(x)
        for name, array in each.items():
            np.testing.assert_array_equal(np.array(found[name]), np.array(array), name)
        assert state["calls"].item() == number
    assert len(ran) == 2


@pytest.mark.parametrize("key", [7, 8])
def test_units_drawn_ahead_serve_their_own_key_alone(calls, key):
    again, function, _, _ = calls
    x = mx.ones((3, 5))
    again.draw_ahead(7)  # nothing was asked for yet
    for _ in range(2):
        again(x)
    seed_dropout(key)
    expected = [function(x)["dropped"] for _ in range(2)]
    again.draw_ahead(7)
    seed_dropout(key)
    for array in expected:
        np.testing.assert_array_equal(np.array(again(x)["dropped"]), np.array(array))


def test_units_drawn_ahead_serve_their_own_shapes_alone(calls):
    again, function, _, _ = calls
    small, large = mx.ones((2, 4)), mx.ones((3, 4))
    for x in (small, small, large, large):
        again(x)
    again.draw_ahead(7)
    for x in (small, large):
        seed_dropout(7)
        expected = function(x)["dropped"]
        seed_dropout(7)
        np.testing.assert_array_equal(np.array(again(x)["dropped"]), np.array(expected))


def test_other_shapes_are_recorded_apart(calls):
    again, _, _, ran = calls
    for rows in (2, 3, 2, 3, 2, 3):
        assert again(mx.ones((rows, 4)))["dropped"].shape == (rows, 4)
    assert len(ran) == 4


def test_each_thread_records_for_itself(calls):
    again, _, _, ran = calls
    mx.eval(again(mx.ones((2, 4))))
    found = []

    def twice():
        seed_dropout(3)
        found.extend(np.array(again(mx.ones((2, 4)))["dropped"]) for _ in range(2))

    for _ in range(2):
        thread = threading.Thread(target=twice)
        thread.start()
        thread.join()
    np.testing.assert_array_equal(found[:2], found[2:])
    assert len(ran) == 3


def test_only_what_is_recorded_is_left_unfused(calls, monkeypatch):
    modes = list[int]()
    monkeypatch.setattr(recorded, "set_mode", lambda: modes.append)
    again, *_ = calls
    for _ in range(3):
        again(mx.ones((2, 2)))
    assert modes == [2, 3] * 2


def test_a_fault_while_recording_leaves_the_mode_as_it_was(monkeypatch):
    modes, healthy = list[int](), [True]

    def function(x):
        if not healthy[0]:
            raise ValueError("broken")
        return x

    again = Recorded(function, [])
    monkeypatch.setattr(recorded, "set_mode", lambda: modes.append)
    again(mx.ones(2))
    healthy[0] = False
    with pytest.raises(ValueError, match="broken"):
        again(mx.ones(2))
    assert modes == [2, 3]


def test_where_mlx_cannot_every_call_runs_the_function(calls, monkeypatch):
    monkeypatch.setattr(recorded, "set_mode", lambda: None)
    again, _, _, ran = calls
    for _ in range(3):
        again(mx.ones((2, 2)))
    assert len(ran) == 3


def test_compiling_can_be_disabled_in_the_environment(monkeypatch):
    monkeypatch.setenv("MLX_DISABLE_COMPILE", "1")
    assert set_mode.__wrapped__() is None
