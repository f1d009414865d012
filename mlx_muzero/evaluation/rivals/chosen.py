"""Choosing among candidates on the validation split, all of them played at once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlx_muzero.evaluation.rivals.changes import changes_of
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.costs import funding_pips, pip_price
from mlx_muzero.trading.positions import FLAT
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64, I32, I64

_SESSIONS = 256
"""That choose, spread evenly over the validation split."""

Decide = Callable[[int, I32], I32]
"""Actions ``i32[C, B]`` of `C` candidates at a step, in positions ``i32[C, B]``."""


@dataclass(frozen=True, eq=False)
class ValidationSessions:
    """Sessions of the validation split as arrays: `B` of `steps` decisions.

    Every bar's gain counts in pips of its own price, so in basis points a session's net differs
    from an account's by the price's change since the entry, which is enough to choose by.

    Attributes:
        rules: actions and costs.
        changes: ``f64[T]`` changes of the whole market in pips, as `bar_changes`.
        bars: ``i64[B, steps]`` bar of each decision.
        price: ``f64[B]`` the sessions' first closes, at which all their fills are charged.
        known_spread: ``f64[B, steps]`` ask less bid at each decision; None unless paid.
        paid_spread: ``f64[B, steps]`` ask less bid at each fill; None unless paid.
        moved: ``f64[B, steps, P]`` pips that each position gains from the fill at each step to the
            next one, or to the session's end, less funding.
        leaving: ``f64[B, P]`` pips that going flat at the end pays.
        max_gap_minutes: longest step from one bar to the next that is not a hole.
    """

    rules: TradingRules
    changes: F64
    bars: I64
    price: F64
    known_spread: F64 | None
    paid_spread: F64 | None
    moved: F64
    leaving: F64
    max_gap_minutes: float

    @classmethod
    def of(cls, dataset: MarketDataset, rules: TradingRules) -> "ValidationSessions":
        """Those of `dataset`."""
        starts = dataset.evaluation_starts("validation", _SESSIONS)
        bars = starts[:, None] + np.arange(dataset.config.session_bars)
        changes = changes_of(dataset, rules.pip_size)
        ends, quoted = bars[:, -1] + 1, rules.costs.quoted
        return cls(
            rules,
            changes,
            bars,
            dataset.close[starts],
            known_spread(dataset, rules, bars),
            dataset.fill_spreads(rules.fill)[bars] if quoted else None,
            gains(dataset, rules, bars, final=True),
            leaving_costs(dataset.close[ends], rules, known_spread(dataset, rules, ends)),
            dataset.config.max_gap_minutes,
        )

    def known_costs(self, step: int) -> F64:
        """``f64[B, P, A]`` pips that actions would pay at the quotes of a decision."""
        return self._costs(self.known_spread, step)

    def _costs(self, spread: F64 | None, step: int) -> F64:
        if spread is None:
            return self._unquoted_costs
        return fill_costs(self.price, self.rules, spread[:, step])

    @cached_property
    def _unquoted_costs(self) -> F64:
        return fill_costs(self.price, self.rules)

    def net_pips(self, candidates: int, decide: Decide) -> F64:
        """``f64[C]`` net pips a session of each of `candidates`."""
        sessions, steps = self.bars.shape
        session, table = np.arange(sessions), self.rules.table
        position = np.full((candidates, sessions), FLAT, np.int32)
        net = np.zeros((candidates, sessions))
        for step in range(steps):
            action = decide(step, position)
            net -= self._costs(self.paid_spread, step)[session, position, action]
            position = table.next_position[position, action]
            net += self.moved[session, step, position]
        return np.asarray((net - self.leaving[session, position]).mean(axis=1))


def gains(dataset: MarketDataset, rules: TradingRules, bars: I64, *, final: bool) -> F64:
    """``f64[B, n, P]`` pips that holding each position earns from one fill to the next.

    Args:
        dataset: the market.
        rules: positions, and where actions fill.
        bars: ``i64[B, n]`` consecutive bars of decisions.
        final: the last fill is followed by the next close, at which the session ends; otherwise by
            one more fill.
    """
    close, filled = dataset.close, dataset.fill_prices(rules.fill)
    price, rate = filled[bars], dataset.funding_rate[bars + 1]
    after = filled[bars + 1]
    if final:
        after[:, -1] = close[bars[:, -1] + 1]
    pip = pip_price(price, rules.pip_size)
    moved = (after - price) / pip
    settled = funding_pips(np.ones(1), close[bars + 1], rate, pip)
    earned = np.asarray((moved - settled)[..., None] * rules.table.exposures)
    if rules.swap.charges:
        nights = dataset.swap_nights[bars + 1]
        earned -= rules.swap.paid_pips(rules.table.exposures, nights[..., None])
    return earned


def known_spread(dataset: MarketDataset, rules: TradingRules, bars: I64) -> F64 | None:
    """Ask less bid at the closes of `bars`, ``f64`` of their shape; None unless it is paid."""
    return dataset.close_spreads[bars] if rules.costs.quoted else None


def fill_costs(price: F64, rules: TradingRules, spread: F64 | None = None) -> F64:
    """``f64[B, P, A]`` pips that each action pays in each position at `price` ``f64[B]``.

    Infinite where the action is illegal. Where the quotes are paid, `spread` ``f64[B]`` is theirs.
    """
    table = rules.table
    wanted = table.exposures[table.next_position]
    held = table.exposures[:, None]
    left, entered = rules.costs.fill_pips(
        held,
        wanted,
        price[:, None, None],
        rules.pip_size,
        None if spread is None else spread[:, None, None],
    )
    stays = table.next_position == np.arange(len(table.exposures))[:, None]
    return np.where(table.legal, np.where(stays, 0.0, left + entered), np.inf)


def leaving_costs(price: F64, rules: TradingRules, spread: F64 | None = None) -> F64:
    """``f64[B, P]`` pips that going flat from each position pays, as `fill_costs`."""
    held, flat = rules.table.exposures, np.zeros_like(rules.table.exposures)
    left, _ = rules.costs.fill_pips(
        held, flat, price[:, None], rules.pip_size, None if spread is None else spread[:, None]
    )
    return left
