"""Two streams get the parts of a step in turns, and gradients where their functions were made."""

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.networks.closed_form import with_gradient
from mlx_muzero.networks.second_stream import aside, is_aside, two_streams
from mlx_muzero.networks.turns import in_turns, note, note_flows, note_weights, taking_turns


@pytest.fixture
def evaluated(monkeypatch):
    """What MLX was asked to evaluate, as the numbers in it, in order."""
    asked = list[list[int]]()
    monkeypatch.setattr(mx, "async_eval", lambda part: asked.append([int(one) for one in part]))
    return asked


def test_gradients_of_heads_come_during_the_way_back(evaluated):
    with two_streams(True), taking_turns(True) as turns:
        for number in (1, 3):
            note([mx.array(number)])
            with aside():
                note([mx.array(number + 1)])
        for number in (11, 13):
            note_weights([mx.array(number), mx.array(number)])
        note_flows([mx.array(5)])
        for number in (10, 12):
            note_weights([mx.array(number)])
        turns.evaluate()
    assert evaluated == [[1], [2], [3], [4], [5], [10], [11, 11], [12], [13, 13]]


def test_each_step_evaluates_its_own_parts(evaluated):
    with taking_turns(True) as turns:
        note([mx.array(1)])
        turns.evaluate()
        turns.evaluate()
    assert evaluated == [[1], [], []]


def test_nothing_is_noted_unless_turns_are_taken(evaluated):
    note([mx.array(1)])
    with taking_turns(False) as turns:
        note_weights([mx.array(1)])
        note_flows([mx.array(1)])
        turns.evaluate()
    assert evaluated == [[]]


@given(st.integers(0, 9), st.integers(0, 9))
@examples(60)
def test_parts_keep_their_order_and_are_spread_evenly(ones, others):
    lists = [[mx.array(0)]] * ones, [[mx.array(1)]] * others
    merged = in_turns(*lists)
    assert len(merged) == ones + others
    for place in range(len(merged) + 1):
        of_one = sum(any(part is one for one in lists[0]) for part in merged[:place])
        assert abs(of_one - place * ones / max(ones + others, 1)) <= 1


def test_the_gradient_of_what_was_made_aside_is_made_aside():
    found = list[bool]()

    def gradient(_x, flow, _y):
        found.append(is_aside())
        return 3.0 * flow

    tripled = with_gradient(lambda x: 3.0 * x, gradient)

    def aside_and_not(x):
        with aside():
            y = tripled(x)
        return (y + tripled(x)).sum()

    x = mx.array([1.0, 2.0])
    for two, expected in ((True, [False, True]), (False, [False, False])):
        with two_streams(two):
            np.testing.assert_array_equal(np.array(mx.grad(aside_and_not)(x)), [6.0, 6.0])
        assert sorted(found) == expected
        found.clear()
