"""Reward schemes: functions of what one step did to every account (ADR 8).

`amddp1` follows FX "Reward System - EXACT Implementation" to the letter. Its optimum is
degenerate (enter once for +1, then hold for free), which is why `mark_to_market` exists.
`differential_sharpe` is the gain of a moving Sharpe ratio (Moody and Saffell 2001).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from mlx_muzero.config.schema import REWARDS
from mlx_muzero.errors import ConfigError
from mlx_muzero.types import F64, Bool

ENTRY_REWARD = 1.0
IDLE_REWARD = -0.05
ILLEGAL_WHILE_POSITIONED = -1.0
ILLEGAL_WHILE_FLAT = -0.5
REWARD_CLIP = 3.0
ILLEGAL_COST_PIPS = 1.0


@dataclass(frozen=True, eq=False)
class Execution:
    """What the fills of one decision did to B accounts.

    Attributes:
        flat_before: ``bool[B]`` no position before the action.
        illegal: ``bool[B]`` the action was not allowed and changed nothing.
        moved_pips: ``f64[B]`` exposure before the action times the price change up to the fill.
        closed: ``bool[B]`` the action closed a trade.
        closed_net_pips: ``f64[B]`` its pips after costs, 0 where none closed.
        entered: ``bool[B]`` the action opened a trade.
        cost_pips: ``f64[B]`` costs of the fills.
    """

    flat_before: Bool
    illegal: Bool
    moved_pips: F64
    closed: Bool
    closed_net_pips: F64
    entered: Bool
    cost_pips: F64


@dataclass(frozen=True, eq=False)
class StepEffect:
    """What one step did to B accounts.

    Attributes:
        execution: what the action did.
        held_pips: ``f64[B]`` exposures held times the price changes since the bar before, less
            funding.
        forced: ``bool[B]`` the session ended and closed a trade at the next bar.
        forced_cost_pips: ``f64[B]`` costs of those fills.
        forced_net_pips: ``f64[B]`` its pips after costs, 0 where none.
    """

    execution: Execution
    held_pips: F64
    forced: Bool
    forced_cost_pips: F64
    forced_net_pips: F64

    @property
    def earned_pips(self) -> F64:
        """``f64[B]`` change of net equity; an illegal action costs a pip on top."""
        penalty = np.where(self.execution.illegal, ILLEGAL_COST_PIPS, 0.0)
        return self.held_pips - self.execution.cost_pips - self.forced_cost_pips - penalty


@dataclass(frozen=True)
class Sharpe:
    """Constants of the differential Sharpe ratio.

    Attributes:
        rate: eta, share of the newest bar in the moving averages.
        deviation_pips: deviation the averages begin with, and never fall below.
    """

    rate: float = 0.01
    deviation_pips: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: a rate outside (0, 1] or a deviation that is not positive.
        """
        if not 0.0 < self.rate <= 1.0 or not self.deviation_pips > 0.0:
            raise ValueError(f"{self}: rate must lie in (0, 1] and the deviation be positive")


RewardFunction = Callable[[StepEffect], F64]
"""Rewards ``f64[B]`` of a step; it may remember the steps of one session before."""

RewardMaker = Callable[[float], RewardFunction]
"""Makes the function at the beginning of every session, from `trading.reward_scale`."""


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
    """``f64[B]`` FX's action reward, plus AMDDP1 of a forced close, clipped to [-3, 3]."""
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
    """``f64[B]`` change of net equity in pips times `scale`; an illegal action costs a pip.

    Costs are charged by the step that fills, so rewards over scale sum to the net pips of the
    session (less one for each illegal action).
    """
    return scale * effect.earned_pips


class DifferentialSharpe:
    """Moody and Saffell 2001, "Learning to trade via direct reinforcement".

    With R the pips earned in a step, and A and B the moving averages of R and of R squared, each
    an average over 1 / eta steps,

        D = (B (R - A) - A (R^2 - B) / 2) / (B - A^2)^(3/2)
        A <- A + eta (R - A),  B <- B + eta (R^2 - B)

    is the derivative of the moving Sharpe ratio A / sqrt(B - A^2) with respect to eta: what one
    more bar of R is worth to it. The paper leaves the first bars and flat accounts open, where the
    deviation is 0 over 0. Here B starts at, and is kept from falling below, A^2 + deviation_pips^2:
    a session begins with D = R / deviation_pips and learns its own deviation from there.

    One object serves one session of `B` accounts.
    """

    def __init__(self, sharpe: Sharpe, scale: float) -> None:
        self._sharpe = sharpe
        self._scale = scale
        self._mean: F64 | float = 0.0
        self._square: F64 | float = sharpe.deviation_pips**2

    def __call__(self, effect: StepEffect) -> F64:
        """``f64[B]`` D times the scale; moves the averages on."""
        earned = effect.earned_pips
        mean_gap, square_gap = earned - self._mean, earned**2 - self._square
        variance = self._square - self._mean**2
        gain = (self._square * mean_gap - self._mean * square_gap / 2) / variance**1.5
        self._mean = self._mean + self._sharpe.rate * mean_gap
        self._square = np.maximum(
            self._square + self._sharpe.rate * square_gap,
            self._mean**2 + self._sharpe.deviation_pips**2,
        )
        return self._scale * gain


class _Checked:
    """A registered reward, held to its shape: what it gets wrong would poison the replay."""

    def __init__(self, name: str, function: RewardFunction) -> None:
        self._name, self._function = name, function

    def __call__(self, effect: StepEffect) -> F64:
        wanted = effect.held_pips.shape
        reward = np.asarray(self._function(effect), np.float64)
        if reward.shape != wanted:
            raise ConfigError(
                f"the reward {self._name!r} returned shape {reward.shape}, wanted {wanted}: one "
                "number for each account"
            )
        if not np.isfinite(reward).all():
            raise ConfigError(f"the reward {self._name!r} returned numbers that are not finite")
        return reward


def reward_function(scheme: str, scale: float, sharpe: Sharpe) -> RewardFunction:
    """The scheme called `scheme`, at the beginning of a session.

    Args:
        scheme: "amddp1", which has no scale, "mark_to_market", "differential_sharpe" or one that is
            registered.
        scale: what the reward is multiplied by.
        sharpe: constants of "differential_sharpe".

    Raises:
        ValueError: no such scheme.
    """
    if scheme == "amddp1":
        return amddp1_rewards
    if scheme == "mark_to_market":
        return partial(mark_to_market_rewards, scale=scale)
    if scheme == "differential_sharpe":
        return DifferentialSharpe(sharpe, scale)
    if scheme in REWARDS:
        return _Checked(scheme, REWARDS[scheme](scale))
    raise ValueError(
        f'reward scheme "{scheme}" is none of "amddp1", "mark_to_market", "differential_sharpe"; '
        f"{REWARDS.way_on}"
    )
