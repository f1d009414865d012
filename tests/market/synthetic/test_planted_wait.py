"""Waiting for the cheap minute: the best policy, and what those earn that ignore the clock."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import BestPolicy
from mlx_muzero.evaluation.comparison import plays_by
from mlx_muzero.evaluation.rivals.line_reach import line_reach
from mlx_muzero.evaluation.synthetic_rules import dataset_of, rules_of
from mlx_muzero.market.sessions import SPLITS
from mlx_muzero.market.synthetic import belief_chain
from mlx_muzero.market.synthetic.belief_chain import Starts, chain_of, clocked_pips
from mlx_muzero.market.synthetic.edge_markets import planted_wait
from mlx_muzero.market.synthetic.edge_policies import as_if_pips, greedy_pips
from mlx_muzero.market.synthetic.markets import make_market
from mlx_muzero.market.synthetic.optima import from_truth
from mlx_muzero.market.synthetic.planted_edge import PlantedEdge
from mlx_muzero.market.synthetic.planted_optimum import solve
from mlx_muzero.trading.costs import Costs

EDGE = PlantedEdge()
CLOCK = clocked_pips(6.0, 5, 2.0)
BARS = 30
WINTER = np.array([22 * 60])


@pytest.fixture(scope="module")
def market():
    return planted_wait(5, 40, session_bars=BARS)


def test_the_best_policy_earns_on_bars_what_is_expected(market):
    bars, truth = market
    dataset, rules = dataset_of(bars, truth), rules_of(truth)
    assert rules.costs == Costs(6.0, clock_minutes=5, clock_pips=2.0)
    starts = np.concatenate([dataset.evaluation_starts(split) for split in SPLITS])
    found = backtest(BestPolicy(from_truth(truth)), dataset, rules, starts)
    net = found.metrics.net_pips_per_session
    spread = (found.metrics.net_pips_high - found.metrics.net_pips_low) / 3.92
    assert abs(net - truth["expected_pips_per_session"]) < 3 * spread
    assert spread < 0.5


def test_backward_induction_agrees_with_trying_every_plan():
    """Four steps on a grid of seven beliefs, by recursion over what an account can do."""
    points, steps, minute = 7, 4, 3
    optimum = solve(EDGE, CLOCK, steps, 60, points)
    starts, chain = Starts(60, CLOCK, steps), chain_of(EDGE, points)
    column = int(starts.column(np.array(minute)))

    @cache
    def worth(state, exposure, left):
        if left == 0:
            return 0.0
        drift = chain.belief[state] * starts.drift(EDGE, left)[column]
        now = minute + steps - left
        options = {0: (0, 1, -1), 1: (1, 0), -1: (-1, 0)}[exposure]
        return max(
            after * drift
            - (6.0 if now % 5 else 2.0) * (exposure == 0 and after != 0)
            + sum(
                chance * worth(nxt, after, left - 1)
                for nxt, chance in enumerate(chain.transition[state])
                if chance
            )
            for after in options
        )

    by_hand = sum(chance * worth(state, 0, steps) for state, chance in enumerate(chain.stationary))
    assert optimum.expected_pips[column] == pytest.approx(by_hand, rel=1e-9)


def test_one_cost_in_every_minute_is_that_cost():
    steady = solve(EDGE, 4.0, BARS, 60, 51)
    clocked = solve(EDGE, (4.0,) * 5, BARS, 60, 51)
    assert clocked.mean_expected_pips(WINTER) == pytest.approx(
        steady.mean_expected_pips(WINTER), rel=0.02
    )
    np.testing.assert_allclose(clocked.expected_pips[::5], steady.expected_pips)
    np.testing.assert_allclose(clocked.enter[..., ::5], steady.enter)


def test_whoever_ignores_the_clock_earns_less(market):
    _, truth = market
    best = truth["expected_pips_per_session"]
    others = [
        truth[f"{name}_pips_per_session"]
        for name in ("greedy", "as_if_cost_stayed", "as_if_mean_cost")
    ]
    assert 0 < max(others) < 0.9 * best
    starts = Starts(60, (4.0,), BARS)
    steady = solve(EDGE, 4.0, BARS, 60, 101)
    # Where costs do not change, planning as if they stayed is the best there is.
    np.testing.assert_allclose(as_if_pips(EDGE, starts, (4.0,)), steady.expected_pips, rtol=1e-9)
    greedy = greedy_pips(EDGE, starts)
    assert (greedy <= steady.expected_pips + 1e-9).all()
    assert 0.7 * steady.expected_pips.mean() < greedy.mean()


def test_constant_volatility_has_the_optimum_that_was_found_elsewhere(monkeypatch):
    """By a program of its own: 85.4 at 4 pips, 119.5 under the clock, 121.8 under a steeper one."""
    monkeypatch.setattr(belief_chain, "day_profile", lambda: np.ones(1440))
    edge = replace(EDGE, pip_size=0.02)  # not what other tests have cached
    for costs, best in ((4.0, 85.4), (CLOCK, 119.5), (clocked_pips(8.0, 10, 1.0), 121.8)):
        found = solve(edge, costs, 360, 60, 51).mean_expected_pips(WINTER)
        assert found == pytest.approx(best, abs=0.7)


def test_the_truth_holds_under_its_clock_alone(market):
    bars, truth = market
    dataset, rules = dataset_of(bars, truth), rules_of(truth)
    assert plays_by(truth, dataset, rules)
    steady = replace(rules, costs=Costs(6.0))
    assert not plays_by(truth, dataset, steady)
    with pytest.raises(ValueError, match="the optimum by"):
        backtest(BestPolicy(from_truth(truth)), dataset, steady, dataset.evaluation_starts("test"))


@pytest.mark.slow
def test_a_line_cannot_wait(market):
    bars, truth = market
    other, _ = make_market("planted_wait", 6, 10, session_bars=BARS)
    reach = line_reach(dataset_of(bars, truth), dataset_of(other, truth), rules_of(truth))
    assert reach.net_pips < 0.7 * truth["expected_pips_per_session"]


@pytest.mark.parametrize(("raster", "phases"), [(7, 1), (60, 7)])
def test_starts_need_divisors(raster, phases):
    with pytest.raises(ValueError, match="must divide"):
        Starts(raster, (1.0,) * phases, 10)
