"""Few entries a session: the best policy saves them, and those who do not earn clearly less."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import BestPolicy
from mlx_muzero.evaluation.comparison import conditions_of, plays_by
from mlx_muzero.evaluation.rivals.line_reach import line_reach
from mlx_muzero.evaluation.synthetic_rules import dataset_of, rules_of
from mlx_muzero.market.sessions import SPLITS
from mlx_muzero.market.synthetic.belief_chain import Starts, chain_of
from mlx_muzero.market.synthetic.edge_markets import planted_scarce
from mlx_muzero.market.synthetic.edge_policies import as_if_pips, greedy_pips
from mlx_muzero.market.synthetic.markets import make_market
from mlx_muzero.market.synthetic.optima import from_truth
from mlx_muzero.market.synthetic.planted_edge import PlantedEdge
from mlx_muzero.market.synthetic.planted_optimum import solve

EDGE = PlantedEdge()
BARS = 60
WINTER = np.array([22 * 60])


@pytest.fixture(scope="module")
def market():
    return planted_scarce(5, 40, session_bars=BARS, max_entries=2)


@pytest.mark.slow
def test_the_best_policy_earns_on_bars_what_is_expected(market):
    bars, truth = market
    dataset, rules = dataset_of(bars, truth), rules_of(truth)
    assert rules.max_entries == 2
    starts = np.concatenate([dataset.evaluation_starts(split) for split in SPLITS])
    found = backtest(BestPolicy(from_truth(truth)), dataset, rules, starts)
    net = found.metrics.net_pips_per_session
    spread = (found.metrics.net_pips_high - found.metrics.net_pips_low) / 3.92
    assert abs(net - truth["expected_pips_per_session"]) < 3 * spread
    assert spread < 0.7
    assert np.bincount(found.trades.account).max() == 2


def test_backward_induction_agrees_with_trying_every_plan():
    """Four steps on a grid of seven beliefs, by recursion over what an account can do."""
    points, steps, minute, cost = 7, 4, 3, 0.4
    optimum = solve(EDGE, cost, steps, 60, points, max_entries=1)
    starts, chain = Starts(60, (cost,), steps), chain_of(EDGE, points)
    column = int(starts.column(np.array(minute)))

    @cache
    def worth(state, exposure, entries, left):
        if left == 0:
            return 0.0
        drift = chain.belief[state] * starts.drift(EDGE, left)[column]
        options = {0: (0, 1, -1) if entries else (0,), 1: (1, 0), -1: (-1, 0)}[exposure]
        return max(
            after * drift
            - cost * enters
            + sum(
                chance * worth(nxt, after, entries - enters, left - 1)
                for nxt, chance in enumerate(chain.transition[state])
                if chance
            )
            for after in options
            for enters in (exposure == 0 and after != 0,)
        )

    def expected(entries):
        return sum(
            chance * worth(state, 0, entries, steps)
            for state, chance in enumerate(chain.stationary)
        )

    assert optimum.expected_pips[column] == pytest.approx(expected(1), rel=1e-9)
    assert expected(1) < 0.99 * expected(steps)


def test_more_entries_are_worth_more_up_to_no_limit():
    expected = [
        solve(EDGE, 4.0, BARS, 60, 51, max_entries=entries).mean_expected_pips(WINTER)
        for entries in (1, 2, 4, 30, 0)
    ]
    assert (np.diff(expected) > -1e-9).all()
    assert expected[-2] == pytest.approx(expected[-1], rel=1e-12)


def test_the_fewer_are_left_the_more_an_entry_has_to_promise():
    optimum = solve(EDGE, 4.0, BARS, 60, 101, max_entries=3)
    enter = optimum.enter[40]
    assert (enter[0] == 2.0).all()
    assert (np.diff(enter[1:], axis=0) <= 1e-9).all()
    assert (enter[1] > enter[3]).any()


@pytest.mark.slow
def test_whoever_ignores_the_limit_earns_clearly_less():
    _, truth = make_market("planted_scarce", 1, 5)
    best = truth["expected_pips_per_session"]
    assert truth["max_entries"] == 4
    assert 0 < truth["as_if_unlimited_pips_per_session"] < 0.7 * best
    assert truth["greedy_pips_per_session"] < best


def test_a_limit_that_is_never_reached_changes_nothing():
    bars = 20
    starts, free = Starts(60, (4.0,), bars), solve(EDGE, 4.0, bars, 60, 101)
    np.testing.assert_allclose(
        as_if_pips(EDGE, starts, (4.0,), bars), free.expected_pips, rtol=1e-9
    )
    np.testing.assert_allclose(
        greedy_pips(EDGE, starts, bars), greedy_pips(EDGE, starts), rtol=1e-9
    )
    assert free.expected_pips.max() > 0.0, "somebody trades"


def test_the_truth_holds_under_its_limit_alone(market):
    bars, truth = market
    dataset, rules = dataset_of(bars, truth), rules_of(truth)
    starts = dataset.evaluation_starts("test")
    assert plays_by(truth, dataset, rules)
    assert conditions_of(dataset, rules, "test", starts).max_entries == 2
    free = replace(rules, max_entries=0)
    assert not plays_by(truth, dataset, free)
    with pytest.raises(ValueError, match="the optimum by"):
        backtest(BestPolicy(from_truth(truth)), dataset, free, starts)


@pytest.mark.slow
def test_a_line_plays_within_the_limit(market):
    bars, truth = market
    other, _ = make_market("planted_scarce", 6, 10, session_bars=BARS)
    reach = line_reach(dataset_of(bars, truth), dataset_of(other, truth), rules_of(truth))
    assert reach.net_pips < truth["expected_pips_per_session"]


def test_no_limit_is_another_market():
    with pytest.raises(ValueError, match="planted_edge is the market"):
        planted_scarce(1, 5, max_entries=0)
