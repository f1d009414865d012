"""What the agent or a baseline traded over a session's minutes, and its metrics.

Days take the place of sessions: trading days if all pairs keep the FX week, otherwise UTC days.
Metrics called pips are in basis points of one pair's notional, so that pairs with different units
add up. An open position counts at its last mark.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mlx_muzero.evaluation.luck.course import Course
from mlx_muzero.evaluation.metrics import Metrics, measure
from mlx_muzero.market.calendar import fx_days, fx_holidays
from mlx_muzero.paper.report.session_trades import SessionTrades, TradedPair
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS
from mlx_muzero.trading.costs import BASIS_POINT
from mlx_muzero.trading.ledger import Trades
from mlx_muzero.types import F64, I64

_DAY_MINUTES = DAY_NS // MINUTE_NS

UNIT = "bps"
"""Unit of the metrics called pips."""

_LEAST_DAYS = 2
"""Fewer whole days do not support annualized ratios, which are then None."""


@dataclass(frozen=True, eq=False)
class Performance:
    """What was traded.

    Attributes:
        pairs: what each pair traded by.
        trades: all trades.
        close_ns: ``i64[M]``, end of every marked minute.
        profit: ``f64[M]``, money made since the beginning, as of each minute.
        action_counts: ``i64[A]``, how often each action was chosen.
        notional: money behind exposure 1 of a pair.
        fx_week: whether all pairs keep the FX week, so that days are trading days.
    """

    pairs: Sequence[TradedPair]
    trades: SessionTrades
    close_ns: I64
    profit: F64
    action_counts: I64
    notional: float
    fx_week: bool

    @cached_property
    def days_ns(self) -> I64:
        """UTC starts ``i64[D]`` of the days played, at least in part.

        A day on which a holiday closes the market is left out unless something was marked in it.
        """
        first_ns, last_ns = int(self.close_ns[0]) - MINUTE_NS, int(self.close_ns[-1])
        if not self.fx_week:
            days = np.arange(first_ns // DAY_NS, (last_ns - 1) // DAY_NS + 1)
            return np.asarray(days * DAY_NS)
        start = fx_days(first_ns, last_ns)
        closed_ns = fx_holidays(first_ns, last_ns).closed_ns(start, start + DAY_NS)
        before, until = np.searchsorted(self.close_ns, [start, start + DAY_NS], side="right")
        start = start[(closed_ns < DAY_NS) | (until > before)]
        # A session within one weekend has one day, without trades.
        return start if len(start) else np.array([first_ns])

    @property
    def whole_days(self) -> int:
        """Days played completely, within an hour at either end: feeds open late and close early."""
        begun = self.close_ns[0] - HOUR_NS <= self.days_ns
        return int((begun & (self.close_ns[-1] + HOUR_NS >= self.days_ns + DAY_NS)).sum())

    @property
    def days_bps(self) -> F64:
        """``f64[D]`` made on each day, in basis points of the notional."""
        return np.asarray(self._daily_bps()[:, -1])

    def course(self) -> Course:
        """The results as luck is judged by them, a day being one observation."""
        trades, made = self._trades_in_bps(), self.days_bps
        first = np.unique(trades.round_trip, return_index=True)[1]
        day = np.searchsorted(self.days_ns, self.trades.entry_ns[first], side="right") - 1
        trips_ns = self.days_ns[np.maximum(day, 0)]
        return Course(self.metrics(), made, self.days_ns, made, trades, trips_ns)

    def metrics(self) -> Metrics:
        """The metrics in basis points of the notional, each day counting as a session."""
        trades = self._trades_in_bps()
        found = measure(
            trades,
            self._daily_bps(),
            self.action_counts,
            self.pairs[0].rules.table.action_names,
            fx_week=self.fx_week,
        )
        bars = sum(max(pair.last_bar, 0) for pair in self.pairs)
        found = replace(found, exposure_frac=float(trades.bars_held.sum()) / max(bars, 1))
        if self.whole_days < _LEAST_DAYS:
            found = replace(found, sharpe=None, sortino=None, calmar=None)
        return found

    @property
    def basis_point(self) -> float:
        """Money that a basis point of the notional is."""
        return self.notional * BASIS_POINT

    def _trades_in_bps(self) -> Trades:
        """The trades, with each pair as an account."""
        trades = self.trades
        return Trades(
            account=trades.pair,
            exposure=trades.exposure,
            entry_bar=trades.entry_bar,
            exit_bar=trades.exit_bar,
            entry_price=trades.entry_price,
            exit_price=trades.exit_price,
            gross_pips=trades.gross / self.basis_point,
            cost_pips=trades.cost / self.basis_point,
            funding_pips=trades.funding / self.basis_point,
            forced=np.zeros(len(trades), np.bool_),
        )

    def _daily_bps(self) -> F64:
        """``f64[days, minutes]``, made since each day began, as known at every minute."""
        made = self.profit / self.basis_point
        ends = self.days_ns[:, None] + np.arange(1, _DAY_MINUTES + 1) * MINUTE_NS
        known = np.searchsorted(self.close_ns, ends, side="right") - 1
        curve = np.where(known < 0, 0.0, made[np.maximum(known, 0)])
        # What was marked after the last day, as on a Friday evening, belongs to that day.
        curve[-1, -1] = made[-1]
        begins = np.concatenate([[0.0], curve[:-1, -1]])
        return np.asarray(curve - begins[:, None])
