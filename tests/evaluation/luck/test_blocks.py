"""The stationary block bootstrap, against `arch` 8.0 and against what is known."""

import numpy as np
import pytest

from mlx_muzero.evaluation.luck.blocks import block_length, resampled_means, stationary_indices


def autoregressive(share, count, seed=7):
    noise, found = np.random.default_rng(seed).standard_normal(count), np.zeros(count)
    for t in range(count):
        found[t] = noise[t] + (share * found[t - 1] if t else 0.0)
    return found


@pytest.mark.parametrize(
    ("share", "count", "length"),
    [
        (0.0, 142, 1.470123477271577),
        (0.3, 142, 4.220292240876538),
        (0.5, 500, 8.2396099110769),
        (0.8, 1000, 26.89049625014373),
        (-0.4, 300, 4.882524113149584),
        (0.9, 200, 17.026424477007833),
    ],
)
def test_lengths_are_those_of_arch(share, count, length):
    """`arch.bootstrap.optimal_block_length` 8.0.0, stationary."""
    assert block_length(autoregressive(share, count)) == pytest.approx(length, rel=1e-12)


@pytest.mark.parametrize("values", [np.zeros(50), np.ones(3), np.arange(2.0)])
def test_too_little_to_correlate_is_drawn_one_by_one(values):
    assert block_length(values) == 1.0


def test_blocks_have_the_mean_length_and_go_round():
    drawn = stationary_indices(50, 5.0, np.random.default_rng(0))
    assert drawn.min() >= 0
    assert drawn.max() < 50
    goes_on = (drawn[:, 1:] - drawn[:, :-1]) % 50 == 1
    assert goes_on.mean() == pytest.approx(0.8 + 0.2 / 50, abs=0.01)
    counts = np.bincount(drawn.ravel(), minlength=50)
    assert counts.std() / counts.mean() < 0.15


def test_correlated_results_have_wider_intervals():
    values = autoregressive(0.7, 2000)
    alone, together = (resampled_means(values, length).std() for length in (1.0, 40.0))
    truth = 1 / (1 - 0.7) / np.sqrt(2000)
    assert together == pytest.approx(truth, rel=0.2)
    assert alone < 0.6 * truth
