import dataclasses

import numpy as np

from markets import walk_bars
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv, observation_features


def random_legal(env, rng):
    legal = env.table.legal_mask(env.position)
    return np.where(legal, rng.random(legal.shape), -1.0).argmax(axis=1).astype(np.int32)


def test_a_session_keeps_money_and_ends_flat(small_dataset, small_config):
    rules = TradingRules.from_config(small_config)
    env = SessionEnv(small_dataset, rules, small_dataset.training_starts()[:40:2])
    rng = np.random.default_rng(0)
    total = np.zeros(20)
    while not env.done:
        total += env.step(random_legal(env, rng)).reward
    assert (env.position == 0).all()
    trades = env.core.ledger.trades()
    net = np.bincount(trades.account, trades.net_pips, minlength=20)
    np.testing.assert_allclose(net, env.core.equity_pips, atol=1e-9)
    np.testing.assert_allclose(total, net, atol=1e-3)


def test_an_observation_is_the_window_that_ends_at_the_last_known_bar(small_dataset, small_config):
    env = SessionEnv(
        small_dataset, TradingRules.from_config(small_config), small_dataset.training_starts()[:3]
    )
    env.step(np.array([0, 1, 2], np.int32))
    seen = env.observe()
    assert seen.shape == (
        3,
        small_config.market.window_bars,
        len(observation_features(small_config)),
    )
    for row, bar in enumerate(env.bar):
        np.testing.assert_array_equal(seen[row, :, :9], small_dataset.features[bar - 7 : bar + 1])
        np.testing.assert_array_equal(seen[row, :, 9:], env.position_features()[[row] * 8])
    assert seen[:, 0, 9].tolist() == [0.0, 1.0, -1.0]


def test_the_future_changes_neither_observation_nor_reward(small_config):
    bars = walk_bars(1500)
    known = MarketDataset.from_bars(bars, small_config.market)
    starts = known.training_starts()[:1]
    steps = 5
    close = bars.close.copy()
    close[starts[0] + steps + 1 :] *= 1.5
    other = dataclasses.replace(known, close=close, features=known.features.copy())
    other.features[starts[0] + steps + 1 :] = 9.0
    rules = TradingRules.from_config(small_config)
    one, two = SessionEnv(known, rules, starts), SessionEnv(other, rules, starts)
    rng = np.random.default_rng(1)
    for _ in range(steps):
        np.testing.assert_array_equal(one.observe(), two.observe())
        action = random_legal(one, rng)
        first, second = one.step(action), two.step(action)
        assert first.reward == second.reward
        assert first.outcome == second.outcome
