"""Reward schemes: functions of what one step did to each account (ADR 8).

`amddp1` follows FX "Reward System - EXACT Implementation" to the letter. Its optimum is
degenerate (enter once for +1, then hold for free), which is why `mark_to_market` exists.
`differential_sharpe` rewards the change in a moving Sharpe ratio (Moody and Saffell 2001).
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
    """What one decision's fills did to B accounts.

    Attributes:
        flat_before: ``bool[B]`` whether the account was flat before the action.
        illegal: ``bool[B]`` whether the action was illegal, and so changed nothing, or was
            replaced by the closing of a position that must not be held.
        moved_pips: ``f64[B]`` exposure before the action times the price change up to the fill.
        closed: ``bool[B]`` whether the action closed a trade.
        closed_net_pips: ``f64[B]`` pips of that trade after costs, 0 where none closed.
        entered: ``bool[B]`` whether the action opened a trade.
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
        held_pips: ``f64[B]`` exposure times price change since the previous bar, less funding.
        forced: ``bool[B]`` whether the session ended and closed a trade at the next bar.
        forced_cost_pips: ``f64[B]`` costs of those closing fills.
        forced_net_pips: ``f64[B]`` pips of the trade after costs, 0 where none.
    """

    execution: Execution
    held_pips: F64
    forced: Bool
    forced_cost_pips: F64
    forced_net_pips: F64

    @property
    def earned_pips(self) -> F64:
        """``f64[B]`` change in net equity; an illegal action costs an extra pip."""
        penalty = np.where(self.execution.illegal, ILLEGAL_COST_PIPS, 0.0)
        return self.held_pips - self.execution.cost_pips - self.forced_cost_pips - penalty


@dataclass(frozen=True)
class Sharpe:
    """Constants of the differential Sharpe ratio.

    Attributes:
        rate: eta, weight of the newest bar in the moving averages.
        deviation_pips: initial deviation of the averages, and their lower bound.
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
"""Returns a step's rewards ``f64[B]``; may keep state across the steps of a session."""

RewardMaker = Callable[[float], RewardFunction]
"""Makes a session's reward function, given `trading.reward_scale`."""


def amddp1(pnl_pips: F64) -> F64:
    """FX "AMDDP1 Calculation" for trades that made `pnl_pips` after costs, elementwise."""
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
    """``f64[B]`` the FX action reward plus AMDDP1 of a forced close, clipped to [-3, 3]."""
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
    """``f64[B]`` change in net equity in pips times `scale`; an illegal action costs a pip.

    Costs are charged in the step that fills, so a session's rewards divided by `scale` sum to its
    net pips, less one for each illegal action.
    """
    return scale * effect.earned_pips


class DifferentialSharpe:
    """Moody and Saffell 2001, "Learning to trade via direct reinforcement".

    With R the pips earned in a step, and A and B the moving averages of R and of R squared, each
    an average over 1 / eta steps,

        D = (B (R - A) - A (R^2 - B) / 2) / (B - A^2)^(3/2)
        A <- A + eta (R - A),  B <- B + eta (R^2 - B)

    is the derivative of the moving Sharpe ratio A / sqrt(B - A^2) with respect to eta: what one
    more bar with R adds to it. The paper leaves the first bars and flat accounts undefined, where D
    is 0/0. Here B starts at A^2 + deviation_pips^2 and never falls below it: a session begins with
    D = R / deviation_pips and adapts to its own deviation from there.

    One object serves one session of `B` accounts.
    """

    def __init__(self, sharpe: Sharpe, scale: float) -> None:
        self._sharpe = sharpe
        self._scale = scale
        self._mean: F64 | float = 0.0
        self._square: F64 | float = sharpe.deviation_pips**2

    def __call__(self, effect: StepEffect) -> F64:
        """``f64[B]`` D times the scale; updates the averages."""
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
    """A registered reward with its output checked: a wrong one would poison the replay."""

    def __init__(self, name: str, function: RewardFunction) -> None:
        self._name, self._function = name, function

    def __call__(self, effect: StepEffect) -> F64:
        wanted = effect.held_pips.shape
        reward = np.asarray(self._function(effect), np.float64)
        if reward.shape != wanted:
            raise ConfigError(
                f"the reward {self._name!r} returned shape {reward.shape}, expected {wanted}: one "
                "number for each account"
            )
        if not np.isfinite(reward).all():
            raise ConfigError(f"the reward {self._name!r} returned numbers that are not finite")
        return reward


def reward_function(scheme: str, scale: float, sharpe: Sharpe) -> RewardFunction:
    """A new reward function for one session.

    Args:
        scheme: "amddp1" (unscaled), "mark_to_market", "differential_sharpe" or a registered name.
        scale: factor applied to the reward.
        sharpe: constants of "differential_sharpe".

    Raises:
        ValueError: there is no such scheme.
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
