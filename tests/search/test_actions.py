"""Choosing an action from visit counts."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlx_muzero.rng import Stream, key
from mlx_muzero.search import SearchResult, SearchStatistics, sample_actions

VISITS = np.array([[5, 15, 0, 5]], np.int32)


def draw(visits, temperature, count=20_000):
    keys = key(7, Stream.ACTION, np.arange(count))
    return sample_actions(np.repeat(visits, count, axis=0), temperature, keys)


def test_temperature_zero_takes_the_first_of_the_most_visited():
    visits = np.array([[1, 4, 4], [0, 0, 2]], np.int32)
    assert sample_actions(visits, 0.0, np.zeros(2, np.uint64)).tolist() == [1, 2]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 10.0])
def test_frequencies_follow_visits_to_the_inverse_temperature(temperature):
    weights = VISITS[0] ** (1.0 / temperature) * (VISITS[0] > 0)
    share = np.bincount(draw(VISITS, temperature), minlength=4) / 20_000
    np.testing.assert_allclose(share, weights / weights.sum(), atol=0.015)


def test_low_temperature_is_safe_and_greedy():
    assert set(draw(VISITS * 100_000, 1e-3).tolist()) == {1}
    tied = np.array([[100_000, 100_000, 1]], np.int32)
    assert set(draw(tied, 1e-3).tolist()) == {0, 1}


@given(
    hnp.arrays(np.int32, (5, 4), elements=st.integers(0, 3)),
    st.floats(0.0, 1e3),
    st.integers(0, 2**60),
)
def test_an_unvisited_action_is_never_taken(visits, temperature, seed):
    visits[:, seed % 4] += 1
    actions = sample_actions(visits, temperature, key(seed, Stream.ACTION, np.arange(5)))
    assert actions.dtype == np.int32
    assert (visits[np.arange(5), actions] > 0).all()


def test_each_root_may_have_its_own_temperature():
    visits = np.repeat(VISITS, 3, axis=0)
    heat = np.array([0.0, 1e-3, 10.0])
    keys = key(3, Stream.ACTION, np.arange(3))
    together = sample_actions(visits, heat, keys)
    alone = [sample_actions(VISITS, heat[i], keys[i : i + 1])[0] for i in range(3)]
    assert together.tolist() == alone
    assert together[0] == together[1] == 1


def test_the_greedy_value_is_that_of_the_action():
    statistics = SearchStatistics(*(np.zeros(2),) * len(fields(SearchStatistics)))
    action = np.array([1, 0], np.int32)
    q = np.array([[9.0, 1.5, 3.0], [-1.0, 2.0, 3.0]], np.float32)
    result = SearchResult(q, q[:, 0], q, q, q, action, q[:, 0], statistics)
    assert result.greedy_value.tolist() == [1.5, -1.0]


def test_bad_arguments():
    keys = np.zeros(1, np.uint64)
    with pytest.raises(ValueError, match="visited action"):
        sample_actions(np.zeros((1, 3), np.int32), 1.0, keys)
    with pytest.raises(ValueError, match="temperature"):
        sample_actions(VISITS, -1.0, keys)
    with pytest.raises(ValueError, match="temperature"):
        sample_actions(VISITS, float("nan"), keys)
    with pytest.raises(ValueError, match="keys"):
        sample_actions(VISITS, 1.0, np.zeros(2, np.uint64))
