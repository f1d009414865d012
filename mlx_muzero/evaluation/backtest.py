"""Backtest: a policy played over sessions, side by side, in the training environment."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mlx_muzero.evaluation.metrics import (
    CRYPTO_BARS_PER_YEAR,
    FX_BARS_PER_YEAR,
    Metrics,
    measure,
)
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.ledger import Trades
from mlx_muzero.types import F64, I64

SESSIONS_AT_ONCE = 128
"""Sessions in lockstep: enough to fill a network batch, few enough to stay in cache."""

Tick = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Backtest:
    """What a policy did.

    Attributes:
        metrics: the summary.
        trades: closed trades; `account` is the session's index.
        equity_pips: ``f64[n, steps]`` net equity of each session after each step.
        reward: ``f64[n]`` sum of each session's rewards.
    """

    metrics: Metrics
    trades: Trades
    equity_pips: F64
    reward: F64


def backtest(
    policy: Policy,
    dataset: MarketDataset,
    rules: TradingRules,
    starts: I64,
    tick: Tick = lambda _decisions: None,
) -> Backtest:
    """Play `policy` over the sessions at `starts` ``i64[n]``; `tick` hears of every B decisions."""
    names = rules.table.action_names
    action_counts = np.zeros(len(names), np.int64)
    equity_pips: F64 = np.zeros((len(starts), dataset.config.session_bars))
    reward: F64 = np.zeros(len(starts))
    trades: list[Trades] = []
    for first in range(0, len(starts), SESSIONS_AT_ONCE):
        env = SessionEnv(dataset, rules, starts[first : first + SESSIONS_AT_ONCE])
        policy.reset(env)
        while not env.done:
            step, action = env.step_index, policy.act(env)
            reward[first : first + len(action)] += env.step(action).reward
            equity_pips[first : first + len(action), step] = env.core.equity_pips
            action_counts += np.bincount(action, minlength=len(names))
            tick(len(action))
        closed = env.core.ledger.trades()
        trades.append(replace(closed, account=closed.account + np.int32(first)))
    all_trades = Trades.concatenate(trades)
    # What is counted in pips keeps the FX week; what is counted in basis points never closes.
    bars_per_year = FX_BARS_PER_YEAR if rules.pip_size else CRYPTO_BARS_PER_YEAR
    metrics = measure(all_trades, equity_pips, action_counts, names, bars_per_year)
    return Backtest(metrics, all_trades, equity_pips, reward)
