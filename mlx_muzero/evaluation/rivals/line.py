"""A line: least squares on the last changes, an entry above one forecast, an exit below another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from mlx_muzero.evaluation.joint_session import wishes
from mlx_muzero.evaluation.policy import SessionView, Weighed
from mlx_muzero.evaluation.rivals.changes import PerMarket
from mlx_muzero.evaluation.rivals.chosen import ValidationSessions, best_of
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.types import F64, I32, I64

_ENTRY_QUANTILES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
"""Of the sizes of the training forecasts: candidates to enter from."""

_EXIT_SHARES = (-1.0, -0.5, -0.25, 0.0, 0.25, 0.5)
"""Of the forecast to enter from: candidates to leave below."""


class Forecast(Protocol):
    """Expects a move of the price from its changes so far."""

    def expected(self, changes: F64) -> F64:
        """``f64[T]`` pips expected after each bar of `changes` ``f64[T]``, from those up to it."""
        ...


@dataclass
class LinePolicy:
    """Enters on the side of a large forecast and leaves when it falls below a smaller one.

    Attributes:
        forecast: of the next changes.
        enter: pips expected from which a flat account enters.
        leave: pips expected, counted toward what is held, below which it leaves.
        max_gap_minutes: longest step that is not a hole.
    """

    forecast: Forecast
    enter: float
    leave: float
    max_gap_minutes: float
    name: str = "line"

    def __post_init__(self) -> None:
        """Forecast each market once."""
        self._expected = PerMarket(self.max_gap_minutes, self.forecast.expected)

    def reset(self, env: SessionView) -> None:
        """Do nothing: no state is kept between steps."""

    def act(self, env: SessionView) -> I32:
        """``i32[B]`` actions toward the side wanted."""
        return self.weigh(env).action

    def weigh(self, env: SessionView) -> Weighed:
        """The side wanted, which counts by the pips expected."""
        expected = self._expected.of(env)[env.bar]
        action = _actions(expected, env.account_state, self.enter, self.leave, env.states)
        return wishes(action, env, abs(expected))


def _actions(
    expected: F64, account: I32, enter: F64 | float, leave: F64 | float, states: AccountStates
) -> I32:
    """``i32[...]`` next action of accounts in state `account`; all arguments broadcast together.

    A position that is left may turn at once where the forecast for the other side is large enough.
    """
    held = states.exposures[account]
    stays = (held != 0.0) & (expected * np.sign(held) >= leave)
    entered = np.where(np.abs(expected) >= enter, np.sign(expected), 0.0)
    return states.actions_toward(account, np.where(stays, held, entered))


def lines(
    validation: ValidationSessions,
    forecasts: Sequence[Forecast],
    usual: I64,
    name: str = "line",
) -> Iterator[tuple[LinePolicy, float]]:
    """Every forecast with every pair of thresholds, and its net pips a session.

    Args:
        validation: the sessions that are played.
        forecasts: candidates.
        usual: ``i64[n]`` training bars, whose forecasts say what a large one is.
        name: the policies'.
    """
    for forecast in forecasts:
        expected = forecast.expected(validation.changes)
        enter = np.quantile(np.abs(expected[usual]), _ENTRY_QUANTILES).repeat(len(_EXIT_SHARES))
        leave = enter * np.tile(_EXIT_SHARES, len(_ENTRY_QUANTILES))
        thresholds = enter[:, None], leave[:, None]
        at = expected[validation.bars]
        decide = partial(_decide, at, *thresholds, validation.rules.states)
        pips = validation.net_pips(len(enter), decide)
        for high, low, net in zip(enter.tolist(), leave.tolist(), pips.tolist(), strict=True):
            yield LinePolicy(forecast, high, low, validation.max_gap_minutes, name), net


def fit_line(
    validation: ValidationSessions,
    forecasts: Sequence[Forecast],
    usual: I64,
    name: str = "line",
) -> LinePolicy:
    """The one of `lines` that earned most on the validation split; it stays flat where none did."""
    flat = LinePolicy(forecasts[0], np.inf, np.inf, validation.max_gap_minutes, name)
    return best_of(lines(validation, forecasts, usual, name), flat)


def _decide(
    expected: F64, enter: F64, leave: F64, states: AccountStates, step: int, account: I32
) -> I32:
    """``i32[C, B]`` actions of `C` pairs of thresholds ``f64[C, 1]``."""
    return _actions(expected[:, step], account, enter, leave, states)
