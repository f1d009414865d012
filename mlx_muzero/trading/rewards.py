"""Reward schemes: functions of what one step did to every account (design 3.6).

`amddp1` follows FX "Reward System - EXACT Implementation" to the letter. Its optimum is
degenerate (enter once for +1, then hold for free), which is why `mark_to_market` exists.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from mlx_muzero.types import F64, Bool

ENTRY_REWARD = 1.0
IDLE_REWARD = -0.05
ILLEGAL_WHILE_POSITIONED = -1.0
ILLEGAL_WHILE_FLAT = -0.5
REWARD_CLIP = 3.0
ILLEGAL_COST_PIPS = 1.0


@dataclass(frozen=True, eq=False)
class Execution:
    """What the fills of one decision did; every array is ``[B]``.

    Attributes:
        flat_before: bool, no position before the action.
        illegal: bool, the action was not allowed and changed nothing.
        moved_pips: float64, exposure before the action times the price change up to the fill.
        closed: bool, the action closed a trade.
        closed_net_pips: float64, its pips after costs, 0 where none closed.
        entered: bool, the action opened a trade.
        entry_cost_pips: float64, round-trip cost of that trade, 0 where none opened.
    """

    flat_before: Bool
    illegal: Bool
    moved_pips: F64
    closed: Bool
    closed_net_pips: F64
    entered: Bool
    entry_cost_pips: F64


@dataclass(frozen=True, eq=False)
class StepEffect:
    """What one step did; every array is ``[B]``.

    Attributes:
        execution: what the action did.
        held_pips: float64, exposures held times the price changes since the bar before.
        forced: bool, the session ended and closed a trade at the next bar.
        forced_net_pips: float64, its pips after costs, 0 where none.
    """

    execution: Execution
    held_pips: F64
    forced: Bool
    forced_net_pips: F64


RewardFunction = Callable[[StepEffect], F64]


def amddp1(pnl_pips: F64) -> F64:
    """FX "AMDDP1 Calculation" of trades that made `pnl_pips` after costs, elementwise."""
    size = np.abs(pnl_pips)
    profit = np.where(
        size < 10,
        1.0 + size * 0.05,
        np.where(size < 30, 1.5 + (size - 10) * 0.025, 2.0 + np.tanh((size - 30) / 50)),
    )
    loss = np.where(
        size < 10,
        -1.0 - size * 0.1,
        np.where(size < 30, -2.0 - (size - 10) * 0.05, -3.0 - np.tanh((size - 30) / 30)),
    )
    return np.where(pnl_pips > 0, profit, loss)


def amddp1_rewards(effect: StepEffect) -> F64:
    """``[B]`` float64, FX's action reward, plus AMDDP1 of a forced close, clipped to [-3, 3]."""
    done = effect.execution
    stayed = ~(done.illegal | done.closed | done.entered)
    reward = np.where(stayed & done.flat_before, IDLE_REWARD, 0.0)
    reward += np.where(done.closed, amddp1(done.closed_net_pips), 0.0)
    reward += np.where(done.entered, ENTRY_REWARD, 0.0)
    illegal = np.where(done.flat_before, ILLEGAL_WHILE_FLAT, ILLEGAL_WHILE_POSITIONED)
    reward += np.where(done.illegal, illegal, 0.0)
    reward += np.where(effect.forced, amddp1(effect.forced_net_pips), 0.0)
    return np.clip(reward, -REWARD_CLIP, REWARD_CLIP)


def mark_to_market_rewards(effect: StepEffect, scale: float) -> F64:
    """``[B]`` float64, change of net equity in pips times `scale`; an illegal action costs a pip.

    A trade's whole cost is charged on entry, so rewards over scale sum to the net pips of the
    session (less one for each illegal action).
    """
    done = effect.execution
    penalty = np.where(done.illegal, ILLEGAL_COST_PIPS, 0.0)
    return scale * (effect.held_pips - done.entry_cost_pips - penalty)


def reward_function(scheme: str, scale: float) -> RewardFunction:
    """The scheme called `scheme` ("amddp1", which has no scale, or "mark_to_market").

    Raises:
        ValueError: no such scheme.
    """
    if scheme == "amddp1":
        return amddp1_rewards
    if scheme == "mark_to_market":
        return partial(mark_to_market_rewards, scale=scale)
    raise ValueError(f'reward scheme "{scheme}" is neither "amddp1" nor "mark_to_market"')
