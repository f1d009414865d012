"""Funding of a perpetual contract bar by bar: what settles, and what plans expect to settle.

A venue announces the rate of its next settlement, and may change it until then. Each announcement
is a point of the series `funding_announced`: about its settlement (`event_ns`), and known from when
somebody heard it (`known_ns`). No decision before that reads it, neither live nor in a backtest.
"""

from typing import NamedTuple

import numpy as np

from mlx_muzero.market.series import (
    FUNDING_ANNOUNCED,
    FUNDING_RATE,
    Series,
    SeriesByName,
    max_age_ns,
    nearest_minute,
)
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I16, I64

PLANNED_DECIMALS = 5
"""Decimals to which plans count an announced rate: a tenth of a basis point.

Venues move it by less than that every minute, and plans at one rate share what they have solved.
"""


class FundingAt(NamedTuple):
    """Funding in one bar.

    Attributes:
        paid: the rate that settled in it; 0 if none did.
        announced: the rate announced of the next settlement at its close; NaN if none was.
    """

    paid: float
    announced: float


class FundingRates(NamedTuple):
    """Funding in T bars.

    Attributes:
        paid: ``f64[T]`` as `funding_paid`.
        announced: ``f64[T]`` as `announced_rates` at the closes.
    """

    paid: F64
    announced: F64

    @classmethod
    def of(cls, open_time_ns: I64, series: SeriesByName) -> "FundingRates":
        """Those of bars that open at ``i64[T]``, from a pair's series, of which each may lack."""
        settled, announced = (
            series.get(name, Series.empty("", name)) for name in (FUNDING_RATE, FUNDING_ANNOUNCED)
        )
        return cls(
            funding_paid(open_time_ns, settled),
            announced_rates(open_time_ns + MINUTE_NS, announced),
        )

    def at(self, bar: int) -> FundingAt:
        """That of one bar."""
        return FundingAt(float(self.paid[bar]), float(self.announced[bar]))


def funding_paid(open_time_ns: I64, funding: Series) -> F64:
    """``f64[T]`` funding rate that settles within each minute bar, 0 where none does.

    A settlement belongs to the minute nearest to its stamp, so that a vendor's milliseconds do not
    decide who pays, but never to a bar that closed before it was known. One in a gap belongs to the
    next bar; one before the first bar is ignored.
    """
    paid = np.zeros(len(open_time_ns))
    known = funding.known_ns // MINUTE_NS
    settled_ns = np.maximum(nearest_minute(funding.event_ns), known) * MINUTE_NS
    bar = np.searchsorted(open_time_ns + MINUTE_NS, settled_ns, side="right")
    inside = (bar < len(paid)) & (settled_ns >= open_time_ns[0])
    np.add.at(paid, bar[inside], funding.value[inside])
    return paid


def announced_rates(close_time_ns: I64, announced: Series) -> F64:
    """``f64[T]`` rate announced of the next settlement, as plans count it; NaN where none is.

    It is the newest announcement known at each close, as long as its settlement is not paid by a
    bar that has closed, and unless it was heard too long ago.
    """
    newest = announced.newest(close_time_ns, max_age_ns(FUNDING_ANNOUNCED))
    rates = np.full(len(close_time_ns), np.nan)
    due_ns = nearest_minute(announced.event_ns) * MINUTE_NS
    coming = np.flatnonzero(newest >= 0)
    coming = coming[due_ns[newest[coming]] >= close_time_ns[coming]]
    rates[coming] = np.round(announced.value[newest[coming]], PLANNED_DECIMALS)
    return rates


def last_settled(pair: I16, paid: F64) -> F64:
    """``f64[T]`` the newest of `funding_paid` by each bar; NaN before a pair's first.

    A settlement at a rate of exactly 0 is none.

    Args:
        pair: ``i16[T]`` of each bar, one pair after another.
        paid: ``f64[T]``.
    """
    settled = np.maximum.accumulate(np.where(paid != 0.0, np.arange(len(paid)), -1))
    first = np.searchsorted(pair, pair)
    return np.where(settled >= first, paid[settled], np.nan)


def expected_rates(announced: F64, settled: F64) -> F64:
    """``f64[...]`` rates that plans expect of settlements to come; NaN where nothing tells any.

    Args:
        announced: ``f64[...]`` announced of the next one; NaN where none is.
        settled: ``f64[...]`` of the last one; NaN where there was none.
    """
    return np.where(np.isnan(announced), settled, announced)
