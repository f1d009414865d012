"""Checks the stored quotes of one symbol: how many bars have them, and the spread by hour."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.market.bars import Bars
from mlx_muzero.market.quotes import QUOTE_COLUMNS
from mlx_muzero.timeunits import HOUR_NS
from mlx_muzero.types import F64

_HOURS = 24
_WIDE = 95  # percentile


@dataclass(frozen=True)
class SpreadOfHour:
    """Quoted spreads at the closes of one hour of the day.

    Attributes:
        hour_utc: the hour, 0 to 23.
        bars: number of closes with bid and ask.
        median: median spread, in price.
        wide: the spread, in price, that one close in twenty exceeds.
        median_bps: median spread in basis points of the bid.
        wide_bps: the spread in basis points that one close in twenty exceeds.
    """

    hour_utc: int
    bars: int
    median: float
    wide: float
    median_bps: float
    wide_bps: float


@dataclass(frozen=True)
class SpreadReport:
    """Report on the quotes of a symbol's bars.

    Attributes:
        pip_size: price of one pip; 0 where a pip is a basis point.
        unquoted_bars: bars without an ask at open or close.
        crossed_bars: bars with an ask below the bid at open or close.
        day: the whole day, as its hour 0.
        hours: every hour that has quotes.
    """

    pip_size: float
    unquoted_bars: int
    crossed_bars: int
    day: SpreadOfHour
    hours: tuple[SpreadOfHour, ...]


def check_quotes(bars: Bars, pip_size: float) -> SpreadReport | None:
    """The report on `bars`, loaded with `QUOTE_COLUMNS`; None if no close has a quote."""
    if not bars.extras.keys() >= set(QUOTE_COLUMNS):
        return None
    spreads = bars.extras["open_ask"] - bars.open, bars.extras["close_ask"] - bars.close
    quoted = spreads[1] >= 0.0
    if not quoted.any():
        return None
    spread, bid = spreads[1][quoted], bars.close[quoted]
    hour = bars.open_time_ns[quoted] // HOUR_NS % _HOURS
    return SpreadReport(
        pip_size=pip_size,
        unquoted_bars=int((np.isnan(spreads[0]) | np.isnan(spreads[1])).sum()),
        crossed_bars=int(((spreads[0] < 0.0) | (spreads[1] < 0.0)).sum()),
        day=_of_hour(0, spread, bid),
        hours=tuple(_of_hour(h, spread[hour == h], bid[hour == h]) for h in np.unique(hour)),
    )


def _of_hour(hour: int, spread: F64, bid: F64) -> SpreadOfHour:
    relative = spread / bid * 1e4
    return SpreadOfHour(
        hour_utc=int(hour),
        bars=len(spread),
        median=float(np.median(spread)),
        wide=float(np.percentile(spread, _WIDE)),
        median_bps=float(np.median(relative)),
        wide_bps=float(np.percentile(relative, _WIDE)),
    )
