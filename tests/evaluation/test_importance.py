"""What a policy loses without groups of features that it decides by, and by others."""

import dataclasses
import json

import numpy as np
import pytest

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.importance import elsewhere, permutation_importance
from mlx_muzero.evaluation.policy import Weighed
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.feature_groups import feature_groups
from mlx_muzero.market.synthetic.edge_markets import planted_edge
from mlx_muzero.trading.rules import TradingRules


class FollowsMomentum:
    """Is long where the last minutes rose, and short where they fell."""

    name = "follows momentum"

    def __init__(self, column):
        self._column = column

    def reset(self, env):
        pass

    def act(self, env):
        return self.weigh(env).action

    def weigh(self, env):
        rising = env.observe()[:, -1, self._column] > 0.0
        action = env.states.actions_toward(env.account_state, np.where(rising, 1.0, -1.0))
        return Weighed(action.astype(np.int32), np.zeros((len(action), 1)))


@pytest.fixture(scope="module")
def market(small_config):
    bars, _ = planted_edge(1, 12, round_trip_cost_pips=0.0, session_bars=60)
    config = dataclasses.replace(small_config.market, symbol=bars.symbol, session_bars=60)
    trading = dataclasses.replace(small_config.trading, round_trip_cost_pips=0.0)
    dataset = MarketDataset.from_bars(bars, config)
    rules = TradingRules.from_config(
        dataclasses.replace(small_config, market=config, trading=trading)
    )
    return dataset, rules, dataset.evaluation_starts("test")


def found_in(market, seed=0):
    dataset, rules, starts = market
    column = feature_groups(dataset.config)["changes"][0]
    policy = FollowsMomentum(column)
    played = backtest(policy, dataset, rules, starts)
    return permutation_importance(policy, dataset, rules, starts, played, seed), played


def test_only_what_it_decides_by_matters(market):
    found, played = found_in(market)
    best, *others = found
    assert best.group == "changes"
    assert best.columns == ("price_change_pips",)
    assert best.low > 0.0
    assert best.net_pips == pytest.approx(played.metrics.net_pips_per_session - best.lost)
    assert [(each.lost, each.low, each.high) for each in others] == [(0.0, 0.0, 0.0)] * 3


@pytest.mark.slow
def test_the_same_seed_permutes_the_same(market):
    assert found_in(market, 1)[0] == found_in(market, 1)[0]
    assert found_in(market, 1)[0] != found_in(market, 2)[0]


def test_permuted_columns_are_of_other_times_of_the_same_pair(market):
    dataset, _, starts = market
    bars = elsewhere(dataset, starts, np.random.default_rng(0))
    own = starts[:, None] + np.arange(60)
    assert (bars != own).all()
    assert sorted(bars.ravel()) == sorted(own.ravel()), "each bar is read once"
    follow = np.diff(bars, axis=1)
    assert ((follow == 1) | (follow == -59)).all(), "in order, from the beginning after the end"
    alone = elsewhere(dataset, starts[:1], np.random.default_rng(0))
    assert sorted(alone[0]) == sorted(own[0])


@pytest.mark.slow
def test_evaluate_says_it(cli, trained):
    options = ("evaluate", trained, "--sessions", 3, "--importance")
    code, out, err = cli(*options, "--json")
    assert code == 0, err
    groups = json.loads(out)["importance"]
    assert {each["group"] for each in groups} == {
        "ranges", "momentum", "changes", "clock and calendar",
    }  # fmt: skip
    code, out, err = cli(*options)
    assert code == 0, err
    assert "Which features it earns with" in out
