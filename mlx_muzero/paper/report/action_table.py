"""What a policy does at every decision of a session, whatever it holds by then."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.policy import MomentaryPolicy
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64, I8, I32, I64, U64

_TOGETHER = 1 << 18
"""Pairs of a decision and an account state that a policy is asked about at a time."""


def action_table(
    policy: MomentaryPolicy, dataset: MarketDataset, rules: TradingRules, bar: I64, episode: int
) -> I8:
    """``i8[D, S]`` action of `policy` at each decision in each account state.

    Args:
        policy: decides.
        dataset: of the pair.
        rules: of the account.
        bar: ``i64[D]`` row of `dataset` that is the last known one at each decision.
        episode: identity of the session, for seeding.
    """
    states = rules.states.count
    found = np.empty((len(bar), states), np.int8)
    for begin in range(0, len(bar), max(_TOGETHER // states, 1)):
        part = slice(begin, begin + max(_TOGETHER // states, 1))
        step = np.arange(len(bar))[part]
        every = _EveryState(
            bar=np.repeat(bar[part], states),
            step_index=np.repeat(step, states),
            account_state=np.tile(np.arange(states, dtype=np.int32), len(step)),
            episode=np.full(len(step) * states, episode, np.uint64),
            close=dataset.close,
            rules=rules,
        )
        found[part] = policy.act(every).reshape(-1, states)
    return found


@dataclass(frozen=True, eq=False)
class _EveryState:
    """Decisions in every account state (`evaluation.policy.Moments`)."""

    bar: I64
    step_index: I64
    account_state: I32
    episode: U64
    close: F64
    rules: TradingRules

    @property
    def position(self) -> I32:
        return np.asarray(self.states.position[self.account_state])

    @property
    def table(self) -> ActionTable:
        return self.rules.table

    @property
    def states(self) -> AccountStates:
        return self.rules.states
