"""Rolling extremes and deviations: right, and the same wherever the history begins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.market.observation.rolling import rolling_deviations, rolling_extremes


@given(
    count=st.integers(0, 60),
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=4, unique=True).map(sorted),
    seed=st.integers(0, 99),
)
def test_extremes_are_those_of_each_window(count, lengths, seed):
    values = np.random.default_rng(seed).normal(size=count)
    for length, (low, high) in zip(lengths, rolling_extremes(values, lengths), strict=True):
        for end in range(count):
            window = values[max(end - length + 1, 0) : end + 1]
            known = len(window) == length
            assert np.array_equal(low[end], window.min() if known else np.nan, equal_nan=True)
            assert np.array_equal(high[end], window.max() if known else np.nan, equal_nan=True)


@given(count=st.integers(0, 60), length=st.integers(1, 40), seed=st.integers(0, 99))
def test_deviations_are_root_mean_squares(count, length, seed):
    pips = np.random.default_rng(seed).normal(scale=3.0, size=count)
    (found,) = rolling_deviations(pips, [length])
    assert np.isnan(found[:length]).all()
    for end in range(length, count):
        wanted = np.sqrt(np.mean(pips[end - length + 1 : end + 1] ** 2))
        assert found[end] == pytest.approx(wanted, abs=1e-3)


@given(cut=st.integers(1, 500), seed=st.integers(0, 99))
def test_a_shorter_history_gives_the_same_bits(cut, seed):
    pips = np.random.default_rng(seed).standard_t(2, 1000) * 5.0
    (whole,), (part,) = rolling_deviations(pips, [100]), rolling_deviations(pips[cut:], [100])
    assert part[100:].tobytes() == whole[cut + 100 :].tobytes()


def test_sums_that_overflow_on_the_way_still_differ_by_the_right_amount():
    pips = np.full(10, 1e9)
    (found,) = rolling_deviations(pips, [3])
    assert (found[3:] == 1000.0).all()
