"""The line's forecasts, decided by dynamic programming over account states and costs.

A forecast is the state: training bars say how often each size of it follows each other one, and
its own next step what each position earns. The best action in every state, with every number of
bars left, follows by going backwards from the session's end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mlx_muzero.evaluation.policy import SessionView
from mlx_muzero.evaluation.rivals.changes import PerMarket
from mlx_muzero.evaluation.rivals.chosen import ValidationSessions, best_of
from mlx_muzero.evaluation.rivals.linear_forecast import LinearForecast
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.gains import fill_costs, leaving_costs
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64, I32, I64

_BINS = 61
"""Sizes of a forecast, equally frequent, that planning tells apart."""


@dataclass
class LineDpPolicy:
    """Takes the planned action for the present forecast, account state and bars left.

    Attributes:
        forecast: of the next changes.
        edges: ``f64[N - 1]`` rising, between the `N` states.
        actions: ``i32[H, steps, N, S]`` by phase of the costs and step of the session.
        max_gap_minutes: longest step that is not a hole.
    """

    forecast: LinearForecast
    edges: F64
    actions: I32
    max_gap_minutes: float
    name: str = "line_dp"

    def __post_init__(self) -> None:
        """Forecast each market once."""
        self._expected = PerMarket(self.max_gap_minutes, self.forecast.expected)

    def reset(self, env: SessionView) -> None:
        """Do nothing: no state is kept between steps."""

    def act(self, env: SessionView) -> I32:
        """``i32[B]`` planned actions."""
        state = np.searchsorted(self.edges, self._expected.of(env)[env.bar])
        phase = env.open_time_ns[env.bar] // MINUTE_NS % len(self.actions)
        return self.actions[phase, env.step_index, state, env.account_state]


def plan(
    transition: F64,
    expected: F64,
    price: float,
    rules: TradingRules,
    steps: int,
    spread: float | None = None,
) -> I32:
    """``i32[H, steps, N, S]`` best action by phase of the costs, step, state and account state.

    Args:
        transition: ``f64[N, N]`` chance of each state at the next bar, by state; rows sum to 1.
        expected: ``f64[N]`` pips that the next bar is expected to move in each state.
        price: at which fills are paid.
        rules: actions, costs and limits; those at local times are not planned with, since a plan
            is for sessions at any time.
        steps: decisions of a session.
        spread: ask less bid at fills; None unless the quotes are paid.
    """
    states = rules.states
    phase = np.arange(rules.costs.phases)
    prices = np.full(len(phase), price)
    spreads = None if spread is None else np.full(len(phase), spread)
    paid = fill_costs(prices, rules, spreads, phase)[:, None]
    after = np.where(states.legal, states.next_state, 0)
    gained = expected[:, None] * states.exposures
    leaving = leaving_costs(prices, rules, spreads)
    stage = rules.limits.by_bar.stages((steps,), None, np.arange(steps))
    worth = np.broadcast_to(-leaving[:, None], (len(phase), *gained.shape))
    actions = np.empty((len(phase), steps, *gained.shape), np.int32)
    for step in reversed(range(steps)):
        forbidden = np.where(rules.allowed[stage[step]], 0.0, np.inf)
        choices = (gained + worth)[..., after] - paid - forbidden
        actions[:, step] = choices.argmax(axis=3)
        # A decision is followed by one in the next phase.
        worth = np.roll(transition @ choices.max(axis=3), -1, axis=0)
    return actions


def planned_lines(
    validation: ValidationSessions,
    forecasts: Sequence[LinearForecast],
    usual: I64,
    price: float,
    spread: float | None = None,
) -> Iterator[tuple[LineDpPolicy, float]]:
    """Every forecast with a plan, and its net pips a session.

    Args:
        validation: the sessions that are played.
        forecasts: candidates.
        usual: ``i64[n]`` training bars that say how forecasts follow each other; the bar after
            each can be observed too.
        price: at which fills are paid.
        spread: ask less bid at fills; None unless the quotes are paid.
    """
    steps, gap = validation.bars.shape[1], validation.max_gap_minutes
    for forecast in forecasts:
        expected = forecast.expected(validation.changes)
        edges = np.quantile(expected[usual], np.arange(1, _BINS) / _BINS)
        state = np.searchsorted(edges, expected)
        now, after = state[usual], state[usual + 1]
        follows = np.bincount(now * _BINS + after, minlength=_BINS**2).reshape(_BINS, _BINS)
        seen = np.maximum(follows.sum(axis=1), 1)
        next_bar = np.bincount(now, validation.changes[usual + 1], _BINS) / seen
        actions = plan(follows / seen[:, None], next_bar, price, validation.rules, steps, spread)
        decide = partial(_decide, actions, validation.minute, state[validation.bars])
        pips = float(validation.net_pips(1, decide)[0])
        yield LineDpPolicy(forecast, edges, actions, gap), pips


def fit_line_dp(
    validation: ValidationSessions,
    forecasts: Sequence[LinearForecast],
    usual: I64,
    price: float,
    spread: float | None = None,
) -> LineDpPolicy:
    """The plan that earned most on the validation split; it stays flat where none did.

    Arguments are as in `planned_lines`.
    """
    steps, states = validation.bars.shape[1], validation.rules.states
    accounts = np.arange(states.count, dtype=np.int32)
    flat = states.actions_toward(accounts, np.zeros(len(accounts)))
    stays_flat = np.broadcast_to(flat, (1, steps, 1, len(accounts)))
    otherwise = LineDpPolicy(forecasts[0], np.zeros(0), stays_flat, validation.max_gap_minutes)
    return best_of(planned_lines(validation, forecasts, usual, price, spread), otherwise)


def _decide(actions: I32, minute: I64, state: I64, step: int, account: I32) -> I32:
    """``i32[1, B]`` planned actions in `state` at `minute`, ``i64[B, steps]`` both."""
    return actions[minute[:, step] % len(actions), step, state[:, step], account]
