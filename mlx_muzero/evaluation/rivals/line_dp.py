"""The line's forecasts, decided by dynamic programming over account states and costs.

A forecast is the state: training bars say how often each size of it follows each other one, and
its own next step what each position earns. The best action in every state, with every number of
bars left, follows by going backwards from the session's end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mlx_muzero.evaluation.policy import SessionView, Weighed
from mlx_muzero.evaluation.rivals.changes import PerMarket
from mlx_muzero.evaluation.rivals.chosen import ValidationSessions, best_of
from mlx_muzero.evaluation.rivals.linear_forecast import LinearForecast
from mlx_muzero.search.chain_values import ChainMarket
from mlx_muzero.search.exposure_price import ExposureMarket
from mlx_muzero.search.terms import Terms
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.gains import fill_costs, leaving_costs
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64, I32, I64

_DISCOUNT = 0.997
"""Of a bar, for the price of exposure, which is not one of a session's bars left."""

_BINS = 61
"""Sizes of a forecast, equally frequent, that planning tells apart."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What to do by phase of the costs, step of the session, state and account state.

    Attributes:
        actions: ``i32[H, steps, N, S]`` best action.
        held: ``f64[H, steps, N, S]`` worth of standing in each account state after the decision;
            ``f64[0]`` where nobody asks for it, as nobody shares a limit.
        paid: ``f64[H, S, A]`` pips that actions pay.
    """

    actions: I32
    held: F64
    paid: F64


@dataclass
class LineDpPolicy:
    """Takes the planned action for the present forecast, account state and bars left.

    Attributes:
        forecast: of the next changes.
        edges: ``f64[N - 1]`` rising, between the `N` states.
        plan: what to do.
        max_gap_minutes: longest step that is not a hole.
        exposure_price: pips a bar of exposure that it was planned with, for others to have it.
    """

    forecast: LinearForecast
    edges: F64
    plan: Plan
    max_gap_minutes: float
    exposure_price: float = 0.0
    name: str = "line_dp"

    def __post_init__(self) -> None:
        """Forecast each market once."""
        self._expected = PerMarket(self.max_gap_minutes, self.forecast.expected)

    def reset(self, env: SessionView) -> None:
        """Do nothing: no state is kept between steps."""

    def act(self, env: SessionView) -> I32:
        """``i32[B]`` planned actions."""
        return self.plan.actions[*self._place(env), env.account_state]

    def weigh(self, env: SessionView) -> Weighed:
        """Actions by the worth that the plan is made of."""
        place, account = self._place(env), env.account_state
        after, plan = env.states.next_state[account], self.plan
        held = np.take_along_axis(plan.held[place], np.maximum(after, 0), axis=1)
        return Weighed(plan.actions[*place, account], held - plan.paid[place[0], account])

    def _place(self, env: SessionView) -> tuple[I64, int, I64]:
        """Phase, step and state, by which a plan is looked up."""
        state = np.searchsorted(self.edges, self._expected.of(env)[env.bar])
        phase = env.open_time_ns[env.bar] // MINUTE_NS % len(self.plan.actions)
        return phase, env.step_index, state


def plan(
    transition: F64,
    expected: F64,
    price: float,
    rules: TradingRules,
    steps: int,
    spread: float | None = None,
    exposure_price: float = 0.0,
) -> Plan:
    """The best action in every state, going backwards from the session's end.

    Args:
        transition: ``f64[N, N]`` chance of each state at the next bar, by state; rows sum to 1.
        expected: ``f64[N]`` pips that the next bar is expected to move in each state.
        price: at which fills are paid.
        rules: actions, costs and limits; those at local times are not planned with, since a plan
            is for sessions at any time.
        steps: decisions of a session.
        spread: ask less bid at fills; None unless the quotes are paid.
        exposure_price: pips that a bar of an exposure of 1 pays, because others could use it.
    """
    states = rules.states
    phase = np.arange(rules.costs.phases)
    prices = np.full(len(phase), price)
    spreads = None if spread is None else np.full(len(phase), spread)
    paid = fill_costs(prices, rules, spreads, phase)[:, None]
    after = np.where(states.legal, states.next_state, 0)
    gained = expected[:, None] * states.exposures - exposure_price * np.abs(states.exposures)
    leaving = leaving_costs(prices, rules, spreads)
    stage = rules.limits.by_bar.stages((steps,), None, np.arange(steps))
    worth = np.broadcast_to(-leaving[:, None], (len(phase), *gained.shape))
    actions = np.empty((len(phase), steps, *gained.shape), np.int32)
    held = np.empty(actions.shape if rules.exposure_limit else 0)
    for step in reversed(range(steps)):
        forbidden = np.where(rules.allowed[stage[step]], 0.0, np.inf)
        standing = gained + worth
        if rules.exposure_limit:
            held[:, step] = standing
        choices = standing[..., after] - paid - forbidden
        actions[:, step] = choices.argmax(axis=3)
        # A decision is followed by one in the next phase.
        worth = np.roll(transition @ choices.max(axis=3), -1, axis=0)
    return Plan(actions, held, paid[:, 0])


def exposure_price(
    transition: F64, expected: F64, price: float, rules: TradingRules, spread: float | None = None
) -> float:
    """Pips a bar of exposure, as others could use it; 0 without a limit. Arguments as of `plan`."""
    limit, states = rules.exposure_limit, rules.states
    if limit is None:
        return 0.0
    phase = np.arange(rules.costs.phases)
    prices = np.full(len(phase), price)
    spreads = None if spread is None else np.full(len(phase), spread)
    paid = fill_costs(prices, rules, spreads, phase)
    chain = ChainMarket(transition, expected, _DISCOUNT)
    terms = Terms.free_to_hold(states.exposures, states.next_state, paid)
    return ExposureMarket(chain, limit.accounts, limit.total).price(terms, phase)


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
        transition, rules = follows / seen[:, None], validation.rules
        others = exposure_price(transition, next_bar, price, rules, spread)
        planned = plan(transition, next_bar, price, rules, steps, spread, others)
        decide = partial(_decide, planned.actions, validation.minute, state[validation.bars])
        pips = float(validation.net_pips(1, decide)[0])
        yield LineDpPolicy(forecast, edges, planned, gap, others), pips


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
    nothing = Plan(stays_flat, np.zeros(stays_flat.shape), np.zeros(states.next_state.shape)[None])
    otherwise = LineDpPolicy(forecasts[0], np.zeros(0), nothing, validation.max_gap_minutes)
    return best_of(planned_lines(validation, forecasts, usual, price, spread), otherwise)


def _decide(actions: I32, minute: I64, state: I64, step: int, account: I32) -> I32:
    """``i32[1, B]`` planned actions in `state` at `minute`, ``i64[B, steps]`` both."""
    return actions[minute[:, step] % len(actions), step, state[:, step], account]
