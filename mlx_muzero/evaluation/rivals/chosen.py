"""Choosing among candidates on the validation split, all of them played at once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from mlx_muzero.evaluation.rivals.changes import changes_of
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.gains import fill_costs, gains, known_spread, leaving_costs
from mlx_muzero.trading.limits import NO_LIMITS
from mlx_muzero.trading.positions import FLAT
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64, I32, I64

SESSIONS = 256
"""That choose, spread evenly over the validation split."""

Decide = Callable[[int, I32], I32]
"""Actions ``i32[C, B]`` of `C` candidates at a step, in account states ``i32[C, B]``."""


Chosen = TypeVar("Chosen")


def best_of(candidates: Iterable[tuple[Chosen, float]], otherwise: Chosen) -> Chosen:
    """The first of the `candidates` with the most net pips; `otherwise` where none earned any."""
    best, best_pips = otherwise, 0.0
    for candidate, pips in candidates:
        if pips > best_pips:
            best, best_pips = candidate, pips
    return best


@dataclass(frozen=True, eq=False)
class ValidationSessions:
    """Sessions of the validation split as arrays: `B` of `steps` decisions.

    Every bar's gain counts in pips of its own price, so in basis points a session's net differs
    from an account's by the price's change since the entry, which is enough to choose by.

    Attributes:
        rules: actions and costs.
        changes: ``f64[T]`` changes of the whole market in pips, as `bar_changes`.
        bars: ``i64[B, steps]`` bar of each decision.
        minute: ``i64[B, steps]`` minutes since 1970 UTC of the bars' opens.
        price: ``f64[B]`` the sessions' first closes, at which all their fills are charged.
        known_spread: ``f64[B, steps]`` ask less bid at each decision; None unless paid.
        paid_spread: ``f64[B, steps]`` ask less bid at each fill; None unless paid.
        moved: ``f64[B, steps, S]`` pips that each account state gains from the fill at each step to
            the next one, or to the session's end, less funding.
        leaving: ``f64[B, S]`` pips that going flat at the end pays.
        max_gap_minutes: longest step from one bar to the next that is not a hole.
    """

    rules: TradingRules
    changes: F64
    bars: I64
    minute: I64
    price: F64
    known_spread: F64 | None
    paid_spread: F64 | None
    moved: F64
    leaving: F64
    max_gap_minutes: float

    @classmethod
    def of(cls, dataset: MarketDataset, rules: TradingRules) -> "ValidationSessions":
        """Those of `dataset`."""
        return cls.at(dataset, rules, dataset.evaluation_starts("validation", SESSIONS))

    @classmethod
    def at(cls, dataset: MarketDataset, rules: TradingRules, starts: I64) -> "ValidationSessions":
        """The sessions of `dataset` at `starts` ``i64[B]``, whatever split they belong to."""
        bars = starts[:, None] + np.arange(dataset.config.session_bars)
        changes = changes_of(dataset, rules.pip_size)
        ends, quoted = bars[:, -1] + 1, rules.costs.quoted
        return cls(
            rules,
            changes,
            bars,
            dataset.open_time_ns[bars] // MINUTE_NS,
            dataset.close[starts],
            known_spread(dataset, rules, bars),
            dataset.fill_spreads(rules.fill)[bars] if quoted else None,
            gains(dataset, rules, bars, final=True),
            leaving_costs(dataset.close[ends], rules, known_spread(dataset, rules, ends)),
            dataset.config.max_gap_minutes,
        )

    def _limited(self, step: int, account: I32, action: I32, paid: F64) -> tuple[I32, F64]:
        """``i32[C, B]`` states and ``f64[C, B]`` costs of accounts that are held to the limits.

        They ask for `action`, which costs `paid`.
        """
        rules, minute = self.rules, self.minute[:, step]
        stage = rules.limits.stages(minute.shape, minute, np.full(len(minute), step))
        after = rules.taken[stage, account, action]
        spread = None if self.paid_spread is None else self.paid_spread[:, step]
        closing = leaving_costs(self.price, rules, spread)[np.arange(len(minute)), account]
        closing = np.where(after == account, 0.0, closing)
        return after, np.where(rules.allowed[stage, account, action], paid, closing)

    def known_costs(self, step: int) -> F64:
        """``f64[B, S, A]`` pips that actions would pay at the quotes of a decision."""
        return self._costs(self.known_spread, step)

    def _costs(self, spread: F64 | None, step: int) -> F64:
        if spread is None and not self.rules.costs.clock_minutes:
            return self._steady_costs
        at_step = None if spread is None else spread[:, step]
        return fill_costs(self.price, self.rules, at_step, self.minute[:, step])

    @cached_property
    def _steady_costs(self) -> F64:
        return fill_costs(self.price, self.rules)

    def net_pips(self, candidates: int, decide: Decide) -> F64:
        """``f64[C]`` net pips a session of each of `candidates`."""
        sessions, steps = self.bars.shape
        session, rules = np.arange(sessions), self.rules
        account = np.full((candidates, sessions), FLAT, np.int32)
        net = np.zeros((candidates, sessions))
        for step in range(steps):
            action = decide(step, account)
            paid = self._costs(self.paid_spread, step)[session, account, action]
            if rules.limits == NO_LIMITS:
                account = rules.states.next_state[account, action]
            else:
                account, paid = self._limited(step, account, action, paid)
            net -= paid
            net += self.moved[session, step, account]
        return np.asarray((net - self.leaving[session, account]).mean(axis=1))
