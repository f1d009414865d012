"""The verdict on results whose truth is known, and its reasons."""

import numpy as np
import pytest

from mlx_muzero.evaluation.luck.verdict import judge


def results(mean, count=142, seed=0):
    return np.random.default_rng(seed).standard_normal(count) + mean


def test_a_clear_edge_is_skill():
    found = judge(results(0.7), trades=900, tried=23, entries=0.001)
    assert found.call == "skill"
    assert found.more_needed == 0
    assert found.words == (
        "Verdict: skill. deflated Sharpe ratio over 99.9 % against the luckiest of 23 tried, where "
        "95 % shows skill; 0.1 % of random entries at the same exposure earn as much."
    )


def test_it_takes_all_three():
    assert judge(results(0.7), trades=9, entries=0.2).call == "not shown"
    assert judge(results(0.3), trades=9, tried=1).call == "skill"
    assert judge(results(0.3), trades=9, tried=500).call == "too short"
    assert judge(results(0.2), trades=9, tried=500).call == "not shown"
    swinging = np.repeat(results(0.35, 12, 3), 12)  # twelve observations, each told twelve times
    assert judge(swinging, trades=9).chance > 0.02


def test_a_loss_that_is_certain_loses():
    found = judge(results(-0.5), trades=9)
    assert found.call == "loses"
    assert "it earned -0.426 pips a session" in found.words


def test_nothing_is_not_shown():
    assert judge(results(0.0), trades=9).call == "not shown"
    assert judge(np.zeros(142), trades=0).reasons[0] == "it made no trades"


def test_what_time_would_show_is_too_short():
    few = judge(results(2.0, 19), trades=9)
    assert few.call == "too short"
    assert "19 sessions, where 20 at different times are the least" in few.words
    soon = judge(results(0.22, 60, 3), trades=9, entries=0.01)
    assert soon.call == "too short"
    assert soon.reasons[0] == f"needs {soon.more_needed} more sessions to show it"
    assert 0 < soon.more_needed <= 60


def test_thousands_are_written_out():
    large = judge(np.full(10, 12345.6), trades=9, unit="bps", observation="day")
    assert large.words.endswith("it earned +12,346 bps a day [+12,346, +12,346].")


def test_correlated_trials_are_worth_fewer():
    one, many = (judge(results(0.3), trades=9, tried=50, trials=n) for n in (2.0, None))
    assert one.deflated > many.deflated
    assert one.trials == 2.0


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_fewest_results_are_judged(count):
    assert judge(np.ones(count), trades=1).call == "too short"


@pytest.mark.slow
def test_few_random_results_pass():
    calls = [judge(results(0.0, 142, seed), trades=9).call for seed in range(300)]
    assert calls.count("skill") / 300 <= 0.07
