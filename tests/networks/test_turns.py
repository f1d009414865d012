"""Two streams get the parts of a step in turns, and gradients where their functions were made."""

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.networks.closed_form import with_gradient
from mlx_muzero.networks.second_stream import Place, aside, leading_aside, place, two_streams
from mlx_muzero.networks.turns import (
    evaluate,
    for_weights,
    in_turns,
    note,
    note_flows,
    note_weights,
    taking_turns,
)


def numbers(parts):
    return [[int(one) for one in part] for part in parts]


def test_parts_come_when_their_stream_has_the_time_for_them():
    with two_streams(True), taking_turns(True) as turns:
        for number in (1, 3):
            note([mx.array(number)])
            with aside():
                note([mx.array(number + 1)])
        with leading_aside():
            note([mx.array(6)])
            note_weights([mx.array(14)])
        note_weights([mx.array(5), mx.array(5)])
        with aside():
            for number in (11, 13):
                note_weights([mx.array(number)])
        note_flows([mx.array(9)])
        for number in (10, 12):
            note_weights([mx.array(number)])
    forth, back = map(numbers, turns.legs())
    assert forth == [[1], [2], [3], [4], [5, 5], [14], [6], [11], [13]]
    assert back == [[9], [10], [12]]


def test_nothing_is_noted_unless_turns_are_taken():
    note([mx.array(1)])
    with taking_turns(False) as turns:
        note_weights([mx.array(1)])
        note_flows([mx.array(1)])
    assert turns.legs() == ([], [])


def test_parts_are_evaluated_in_order_and_let_go(monkeypatch):
    asked = []
    monkeypatch.setattr(mx, "async_eval", lambda part: asked.append(part))
    parts = [["a"], ["b", "c"], []]
    evaluate(parts)
    assert asked == [["a"], ["b", "c"], []]
    assert parts == []


def test_weights_are_made_aside_unless_the_first_stream_waits_for_the_second():
    def where():
        with for_weights():
            return place()

    assert where() is Place.CHAIN  # no second stream is in use
    with two_streams(True):
        assert where() is Place.ASIDE
        with taking_turns(True):
            assert where() is Place.CHAIN
            with leading_aside():
                assert where() is Place.ASIDE
            note_flows([mx.array(1)])
            assert where() is Place.ASIDE


@given(st.integers(0, 9), st.integers(0, 9))
@examples(60)
def test_parts_keep_their_order_and_are_spread_evenly(ones, others):
    lists = [[mx.array(0)]] * ones, [[mx.array(1)]] * others
    merged = in_turns(*lists)
    assert len(merged) == ones + others
    for count in range(len(merged) + 1):
        of_one = sum(any(part is one for one in lists[0]) for part in merged[:count])
        assert abs(of_one - count * ones / max(ones + others, 1)) <= 1


@pytest.mark.parametrize(
    ("context", "there"), [(aside, Place.ASIDE), (leading_aside, Place.LEADING)]
)
def test_a_gradient_is_made_where_its_function_was(context, there):
    found = list[Place]()

    def gradient(_x, flow, _y):
        found.append(place())
        return 3.0 * flow

    tripled = with_gradient(lambda x: 3.0 * x, gradient)

    def there_and_not(x):
        with context():
            y = tripled(x)
        return (y + tripled(x)).sum()

    x = mx.array([1.0, 2.0])
    for two, expected in ((True, {Place.CHAIN, there}), (False, {Place.CHAIN})):
        with two_streams(two):
            np.testing.assert_array_equal(np.array(mx.grad(there_and_not)(x)), [6.0, 6.0])
        assert len(found) == 2
        assert set(found) == expected
        found.clear()
