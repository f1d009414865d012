"""Sharpe ratios against the worked examples of the papers."""

import math

import numpy as np
import pytest

from mlx_muzero.evaluation.luck.sharpe import Sharpe, expected_best, independent_trials


def test_the_worked_example_of_the_deflated_sharpe_ratio():
    """Bailey and Lopez de Prado 2014: 100 trials with a variance of 1/2 a year, 250 days."""
    lucky = expected_best(100, math.sqrt(0.5 / 250))
    assert lucky == pytest.approx(0.1132, abs=5e-5)
    chosen = Sharpe(2.5 / math.sqrt(250), 1250, skewness=-3.0, kurtosis=10.0)
    assert chosen.probability_above(lucky) == pytest.approx(0.9004, abs=5e-5)


def test_the_hedge_fund_of_the_probabilistic_sharpe_ratio():
    """Bailey and Lopez de Prado 2012, 24 months: 0.982 if normal, 0.913 as they are."""
    assert Sharpe(0.458, 24).probability_above(0.0) == pytest.approx(0.982, abs=5e-4)
    fund = Sharpe(0.458, 24, -2.448, 10.164)
    assert fund.probability_above(0.0) == pytest.approx(0.913, abs=5e-4)


@pytest.mark.parametrize(("a_year", "years"), [(250, 2.73), (52, 2.83), (12, 3.24)])
def test_the_minimum_track_records_of_a_ratio_of_2_against_1(a_year, years):
    """The same paper: years of daily, weekly and monthly returns."""
    needed = Sharpe(2 / math.sqrt(a_year), 10).observations_needed(1 / math.sqrt(a_year))
    assert needed / a_year == pytest.approx(years, abs=0.005)


def test_a_ratio_that_is_not_above_the_benchmark_never_shows():
    assert Sharpe(0.1, 100).observations_needed(0.1) == math.inf


def test_moments_are_those_of_the_returns():
    returns = np.random.default_rng(0).exponential(size=200_000)
    found = Sharpe.of(returns)
    assert (found.ratio, found.skewness, found.kurtosis) == pytest.approx((1, 2, 9), rel=0.05)


def test_the_interval_holds_the_truth_19_times_in_20():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(1000):
        low, high = Sharpe.of(rng.standard_t(6, size=200) + 0.2).interval()
        held += low <= 0.2 / math.sqrt(6 / 4) <= high
    assert 0.93 <= held / 1000 <= 0.97


@pytest.mark.parametrize("returns", [np.zeros(5), np.full(5, 0.1), np.ones(1)])
def test_without_spread_there_is_no_ratio(returns):
    assert Sharpe.of(returns).ratio == 0.0


def test_one_trial_needs_no_deflation_and_equal_trials_are_one():
    assert expected_best(1, 0.1) == 0.0
    assert independent_trials(20, 1.0) == 1.0
    assert independent_trials(20, 0.0) == 20.0
    assert independent_trials(20, -0.5) == 20.0


def test_the_expected_best_is_that_of_draws():
    drawn = np.random.default_rng(2).standard_normal((20_000, 20)).max(axis=1).mean()
    assert expected_best(20, 1.0) == pytest.approx(drawn, rel=0.03)
