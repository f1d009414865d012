"""Fills at the open of the bar after the decision: what a simulation without foresight can have."""

import dataclasses

import numpy as np
import pytest

from action_sequences import best_of_all_sequences
from markets import walk_bars
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import PerfectForesight, RandomPolicy
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.rules import TradingRules

HOLD, BUY, SELL, CLOSE = range(4)
RULES = TradingRules(fill="next_open", reward="mark_to_market")


@pytest.fixture(scope="module")
def gapped(small_config):
    """A market whose bars do not open where the last one closed."""
    bars = walk_bars(1500)
    jumps = np.random.default_rng(3).normal(0.0, 0.02, len(bars))
    opens = np.clip(bars.open + jumps, bars.low, bars.high)
    return MarketDataset.from_bars(dataclasses.replace(bars, open=opens), small_config.market)


def played(dataset, starts, actions, rules=RULES):
    env = SessionEnv(dataset, rules, starts)
    rewards = [env.step(np.full(len(starts), action, np.int32)).reward for action in actions]
    return env, np.sum(rewards, axis=0)


def test_a_fill_has_the_open_after_its_decision(gapped):
    start = gapped.training_starts()[:1]
    steps = gapped.config.session_bars
    actions = [HOLD, BUY, HOLD, CLOSE, SELL] + [HOLD] * (steps - 5)
    env, reward = played(gapped, start, actions)
    first, second = start[0] + np.array([2, 5])
    closed, last = start[0] + np.array([4, steps])
    trades = env.core.ledger.trades()
    np.testing.assert_array_equal(trades.entry_price, gapped.open[[first, second]])
    np.testing.assert_array_equal(trades.exit_price, [gapped.open[closed], gapped.close[last]])
    gross = (trades.exit_price - trades.entry_price) * [1, -1] / 0.01
    assert reward[0] == pytest.approx(gross.sum() - 2 * 4.0, abs=1e-3)
    assert env.core.equity_pips[0] == pytest.approx(gross.sum() - 2 * 4.0)


def test_a_pairs_last_bar_is_not_filled_at_the_next_pairs_open(gapped):
    both = MarketDataset._joined([gapped, dataclasses.replace(gapped, pair=gapped.pair + 1)])
    bars = len(gapped.close)
    prices = both.fill_prices("next_open")
    np.testing.assert_array_equal(prices[: bars - 1], gapped.open[1:])
    np.testing.assert_array_equal(prices[[bars - 1, -1]], gapped.close[[-1, -1]])


def test_where_bars_open_at_the_last_close_nothing_changes(small_dataset):
    opens = np.append(small_dataset.close[:1], small_dataset.close[:-1])
    seamless = dataclasses.replace(small_dataset, open=opens)
    starts = seamless.training_starts()[:20]
    at_close = dataclasses.replace(RULES, fill="close")
    nets = [
        backtest(RandomPolicy(1), seamless, rules, starts).equity_pips
        for rules in (RULES, at_close)
    ]
    np.testing.assert_array_equal(*nets)


@pytest.mark.slow
def test_foresight_is_the_best_of_all_action_sequences(gapped, small_config):
    short = dataclasses.replace(gapped, config=dataclasses.replace(gapped.config, session_bars=5))
    rules = dataclasses.replace(RULES, costs=dataclasses.replace(RULES.costs, round_trip_pips=1.0))
    starts = short.training_starts()[:40:7]
    best = best_of_all_sequences(short, rules, starts)
    foresight = backtest(PerfectForesight(), short, rules, starts).equity_pips[:, -1]
    np.testing.assert_allclose(foresight, best, atol=1e-9)
