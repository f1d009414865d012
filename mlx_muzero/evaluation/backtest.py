"""Backtest: a policy plays many sessions in lockstep in the training environment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from mlx_muzero.evaluation.joint_session import blocks, decide
from mlx_muzero.evaluation.metrics import Metrics, measure
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.evaluation.session_groups import SessionGroups
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.ledger import Trades
from mlx_muzero.types import F64, I8, I64, Advance

SESSIONS_AT_ONCE = 128
"""Sessions in lockstep: enough to fill a network batch, few enough to stay in cache."""

Doing = Callable[[str, int | None], None]
"""Called with what begins and its number of ticks, None if unknown."""


@dataclass(frozen=True, eq=False)
class Backtest:
    """The result of a backtest.

    Attributes:
        metrics: the summary.
        trades: closed trades; `account` is the session's index.
        equity_pips: ``f64[n, steps]`` net equity of each session after each step.
        spans_ns: ``i64[2, n]`` open of each session's first decision bar and of its last bar.
        reward: ``f64[n, steps]`` reward of each step.
        action_counts: ``i64[A]`` how often each action was chosen.
        actions: ``i8[n, steps]`` chosen at each step.
        fx_week: whether the market closes at weekends.
        daily: whether sessions start once a day.
    """

    metrics: Metrics
    trades: Trades
    equity_pips: F64
    spans_ns: I64
    reward: F64
    action_counts: I64
    actions: I8
    fx_week: bool
    daily: bool = False

    @cached_property
    def groups(self) -> SessionGroups:
        """Which sessions overlap in time."""
        return SessionGroups.of_spans(*self.spans_ns)

    @property
    def portfolio_pips(self) -> F64:
        """``f64[G, steps]`` net equity of each group of sessions after each step."""
        return self.groups.totals(self.equity_pips)

    @classmethod
    def of(
        cls,
        trades: list[Trades],
        equity_pips: F64,
        spans_ns: I64,
        reward: F64,
        action_counts: I64,
        actions: I8,
        rules: TradingRules,
        *,
        fx_week: bool,
        daily: bool = False,
    ) -> Self:
        """Compute the metrics; the parts of `trades` cover each session exactly once."""
        joined = Trades.concatenate(trades)
        names = rules.table.action_names
        groups = SessionGroups.of_spans(*spans_ns)
        year = {"fx_week": fx_week, "daily": daily}
        metrics = measure(joined, equity_pips, action_counts, names, **year, groups=groups)
        return cls(metrics, joined, equity_pips, spans_ns, reward, action_counts, actions, **year)


def backtest(
    policy: Policy,
    dataset: MarketDataset,
    rules: TradingRules,
    starts: I64,
    tick: Advance = lambda _decisions: None,
) -> Backtest:
    """Play `policy` over the sessions at `starts` ``i64[n]``; `tick` receives decision counts.

    Under an exposure limit, sessions of the same minutes are played together, so `starts` come in
    time order, from `MarketDataset.evaluation_starts` of a dataset whose pairs are in step.

    Raises:
        ValueError: there is such a limit, and the dataset is not.
    """
    together = rules.exposure_limit is not None
    if together and not dataset.in_step:
        raise ValueError("pairs that share an exposure limit need a dataset that is in_step")
    action_counts = np.zeros(len(rules.table.action_names), np.int64)
    equity_pips: F64 = np.zeros((len(starts), dataset.config.session_bars))
    reward: F64 = np.zeros_like(equity_pips)
    actions = np.zeros(equity_pips.shape, np.int8)
    trades: list[Trades] = []
    for sessions in blocks(dataset, starts, SESSIONS_AT_ONCE, together):
        env = SessionEnv(dataset, rules, starts[sessions])
        policy.reset(env)
        while not env.done:
            step, action = env.step_index, decide(policy, env)
            reward[sessions, step] = env.step(action).reward
            equity_pips[sessions, step] = env.core.equity_pips
            actions[sessions, step] = action
            action_counts += np.bincount(action, minlength=len(action_counts))
            tick(len(action))
        closed = env.core.ledger.trades()
        trades.append(replace(closed, account=closed.account + np.int32(sessions.start)))
    spans_ns = np.stack(dataset.session_spans(starts))
    return Backtest.of(
        trades,
        equity_pips,
        spans_ns,
        reward,
        action_counts,
        actions,
        rules,
        fx_week=dataset.fx_week,
        daily=bool(dataset.config.session_start),
    )


def joined(parts: Sequence[Backtest], rules: TradingRules) -> Backtest:
    """Join the sessions of all `parts`, in order, into one backtest."""
    first = np.cumsum([0, *(len(part.equity_pips) for part in parts[:-1])])
    return Backtest.of(
        [
            replace(part.trades, account=part.trades.account + np.int32(count))
            for part, count in zip(parts, first, strict=True)
        ],
        np.concatenate([part.equity_pips for part in parts]),
        np.concatenate([part.spans_ns for part in parts], axis=1),
        np.concatenate([part.reward for part in parts]),
        np.sum([part.action_counts for part in parts], axis=0),
        np.concatenate([part.actions for part in parts]),
        rules,
        fx_week=all(part.fx_week for part in parts),
        daily=all(part.daily for part in parts),
    )
