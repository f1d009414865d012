"""Backtest: a policy played over sessions, side by side, in the training environment."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.baselines import Policy
from mlx_muzero.evaluation.metrics import Metrics, summarize
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
      session_net_pips: ``f64[n]`` result of each session after costs.
      action_counts: ``i64[A]`` how often each action was taken.
    """

    metrics: Metrics
    trades: Trades
    session_net_pips: F64
    action_counts: I64


def backtest(
    policy: Policy,
    dataset: MarketDataset,
    rules: TradingRules,
    starts: I64,
    tick: Tick = lambda _decisions: None,
) -> Backtest:
    """Play `policy` over the sessions at `starts` ``i64[n]``; `tick` hears of every B decisions."""
    actions = len(rules.table.action_names)
    action_counts = np.zeros(actions, np.int64)
    net_pips: list[F64] = []
    trades: list[Trades] = []
    for first in range(0, len(starts), SESSIONS_AT_ONCE):
        env = SessionEnv(dataset, rules, starts[first : first + SESSIONS_AT_ONCE])
        policy.reset(env)
        while not env.done:
            action = policy.act(env)
            env.step(action)
            action_counts += np.bincount(action, minlength=actions)
            tick(len(action))
        net_pips.append(env.core.equity_pips)
        trades.append(env.core.ledger.trades().of_sessions_from(first))
    all_trades = Trades.concatenate(trades)
    session_net_pips = np.concatenate(net_pips)
    metrics = summarize(all_trades, session_net_pips, action_counts, rules, dataset.config)
    return Backtest(metrics, all_trades, session_net_pips, action_counts)
