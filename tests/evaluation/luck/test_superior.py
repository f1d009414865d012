"""Superior predictive ability: its size, its power, and the p-values of `arch` 8.0."""

import numpy as np
import pytest

from mlx_muzero.evaluation.luck.superior import superior_p


def test_p_values_are_those_of_arch():
    """`arch.bootstrap.SPA`, stationary blocks of 2, 10,000 draws: 0.1351."""
    beyond = np.random.default_rng(5).standard_normal((150, 4)) + 0.08
    found = np.mean([superior_p(beyond, seed=seed, length=2.0) for seed in range(10)])
    assert found == pytest.approx(0.1351, abs=0.01)


@pytest.mark.slow
def test_chance_passes_once_in_twenty_however_many_there_are():
    rng = np.random.default_rng(0)
    found = np.array([superior_p(rng.standard_normal((100, 10)), length=1.0) for _ in range(200)])
    assert (found <= 0.05).mean() <= 0.09


def test_one_good_policy_among_many_bad_ones_is_found():
    rng = np.random.default_rng(1)
    beyond = rng.standard_normal((142, 12)) - 2.0
    beyond[:, 3] += 2.5
    assert superior_p(beyond) < 0.01


def test_policies_equal_to_the_benchmark_are_not_better():
    assert superior_p(np.zeros((50, 3))) == 1.0
    assert superior_p(np.zeros((50, 0))) == 1.0
