"""Backtest: sessions side by side equal sessions alone, and nothing looks ahead."""

import dataclasses

import numpy as np
import pytest

from core_rows import independent_rows
from markets import walk_bars
from mlx_muzero.agent.muzero_agent import MuZeroAgent
from mlx_muzero.evaluation import backtest as backtest_module
from mlx_muzero.evaluation.agent_policies import NetworkPolicy, SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import (
    BUY_AND_HOLD,
    FLAT_POLICY,
    RandomPolicy,
    mean_reversion,
    momentum,
)
from mlx_muzero.evaluation.comparison import conditions_of
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import load_history
from mlx_muzero.market.instrument import Instrument
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import build_model


class Recorded:
    """A policy that notes what it does."""

    def __init__(self, policy):
        self.name, self._policy, self.actions = policy.name, policy, []

    def reset(self, env):
        self._policy.reset(env)

    def act(self, env):
        action = self._policy.act(env)
        self.actions.append(action.copy())
        return action


@pytest.fixture
def rules(small_config):
    return TradingRules.from_config(small_config)


@pytest.fixture
def agent(small_config, rules):
    model = build_model(small_config, rules.table)
    return MuZeroAgent(model, small_config.search, rules.states, len(OUTCOME_NAMES))


@pytest.mark.parametrize("policy", [FLAT_POLICY, BUY_AND_HOLD, RandomPolicy(3), momentum(5)])
def test_sessions_side_by_side_equal_sessions_alone(small_dataset, rules, policy):
    starts = small_dataset.training_starts()[:60:7]
    together = backtest(policy, small_dataset, rules, starts)
    for row in range(len(starts)):
        alone = backtest(policy, small_dataset, rules, starts[row : row + 1])
        np.testing.assert_array_equal(alone.equity_pips[0], together.equity_pips[row])
        mine = together.trades.account == row
        np.testing.assert_array_equal(alone.trades.net_pips, together.trades.net_pips[mine])


@independent_rows
def test_an_agent_plays_a_session_as_it_would_alone(small_dataset, rules, agent):
    starts = small_dataset.training_starts()[:50:10]
    together = Recorded(SearchPolicy(agent, 4))
    backtest(together, small_dataset, rules, starts)
    alone = [Recorded(SearchPolicy(agent, 4)) for _ in starts]
    for row, policy in enumerate(alone):
        backtest(policy, small_dataset, rules, starts[row : row + 1])
    np.testing.assert_array_equal(
        np.stack(together.actions, axis=1),
        np.concatenate([np.stack(policy.actions, axis=1) for policy in alone]),
    )


def test_more_sessions_than_fit_at_once_are_all_played(
    small_dataset, rules, monkeypatch, small_config
):
    starts = small_dataset.training_starts()[:70:10]
    heard = []
    whole = backtest(RandomPolicy(1), small_dataset, rules, starts)
    monkeypatch.setattr(backtest_module, "SESSIONS_AT_ONCE", 3)
    pieces = backtest(RandomPolicy(1), small_dataset, rules, starts, heard.append)
    np.testing.assert_array_equal(whole.equity_pips, pieces.equity_pips)
    assert pieces.metrics.sqn == pytest.approx(whole.metrics.sqn)
    assert pieces.metrics.trades == whole.metrics.trades
    assert sorted(set(pieces.trades.account.tolist())) == list(range(7))
    assert sum(heard) == 7 * small_config.market.session_bars
    assert pieces.metrics.sessions == 7


def test_equity_ends_at_the_trades_net_pips(small_dataset, rules):
    starts = small_dataset.evaluation_starts("test")
    played = backtest(RandomPolicy(2), small_dataset, rules, starts)
    net = np.bincount(played.trades.account, played.trades.net_pips, minlength=len(starts))
    np.testing.assert_allclose(played.equity_pips[:, -1], net, atol=1e-9)
    assert played.metrics.net_pips == pytest.approx(net.sum())


def with_another_future(after):
    """`walk_bars` up to and with bar `after`, then a market gone wild."""
    bars = walk_bars(1500)
    close = bars.close.copy()
    close[after + 1 :] += np.random.default_rng(9).normal(0, 1.0, len(close) - after - 1)
    return dataclasses.replace(
        bars, close=close, high=np.maximum(bars.high, close), low=np.minimum(bars.low, close)
    )


@pytest.mark.parametrize("step", [0, 5, 10])
def test_no_decision_depends_on_a_bar_after_it(small_config, small_dataset, rules, agent, step):
    """From bars through features and search to actions."""
    start = np.array([700])
    other = MarketDataset.from_bars(with_another_future(700 + step), small_config.market)
    for make in (
        lambda: SearchPolicy(agent, 8),
        lambda: NetworkPolicy(agent),
        lambda: momentum(5),
        lambda: mean_reversion(30),
    ):
        played = [Recorded(make()), Recorded(make())]
        results = [
            backtest(policy, dataset, rules, start)
            for policy, dataset in zip(played, (small_dataset, other), strict=True)
        ]
        for before in range(step + 1):
            np.testing.assert_array_equal(played[0].actions[before], played[1].actions[before])
        np.testing.assert_array_equal(
            results[0].equity_pips[0, :step], results[1].equity_pips[0, :step]
        )


def test_what_an_agent_sees_does_depend_on_the_bar_it_stands_at(small_config, small_dataset):
    other = MarketDataset.from_bars(with_another_future(700), small_config.market)
    np.testing.assert_array_equal(small_dataset.features[130:701], other.features[130:701])
    assert (small_dataset.features[701] != other.features[701]).any()


@pytest.mark.parametrize(("market", "days"), [("crypto", 365), ("fx", 260)])
def test_a_year_is_that_of_the_hours_the_store_knows(small_config, rules, db, market, days):
    config = small_config.market
    with BarStore(db) as store:
        store.set_instrument(Instrument("TEST", market, config.pip_size))
        dataset = MarketDataset.of_pairs([load_history(store, "TEST", config)], config)
    starts = dataset.evaluation_starts("test")
    metrics = backtest(BUY_AND_HOLD, dataset, rules, starts).metrics
    assert metrics.sharpe_sessions_per_year == days * 1440 / config.session_bars
    assert conditions_of(dataset, rules, "test", starts).fx_week == (market == "fx")
