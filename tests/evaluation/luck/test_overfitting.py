"""The probability of backtest overfitting where it is known."""

import numpy as np
import pytest

from mlx_muzero.evaluation.luck.overfitting import overfitting_probability


def test_among_equals_the_best_is_as_often_bad_as_good():
    rng = np.random.default_rng(0)
    found = [overfitting_probability(rng.standard_normal((160, 8)), 8) for _ in range(60)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.06)


def test_what_is_good_everywhere_is_not_overfitted():
    returns = np.random.default_rng(1).standard_normal((160, 8))
    returns[:, 2] += 0.6
    assert overfitting_probability(returns) < 0.01


def test_what_gains_in_one_half_what_it_loses_in_the_other_is_overfitted():
    returns = np.random.default_rng(2).standard_normal((160, 6))
    assert overfitting_probability(returns - returns.mean(axis=0)) > 0.9


def test_it_takes_two_different_trials_and_some_time():
    one = np.random.default_rng(3).standard_normal((100, 1))
    assert overfitting_probability(one) is None
    assert overfitting_probability(np.repeat(one, 3, axis=1)) is None
    assert overfitting_probability(np.ones((3, 2))) is None
