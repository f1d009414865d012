"""Shared parts of the synthetic markets: FX calendar, volatility by hour, bars from changes."""

import numpy as np

from mlx_muzero.market.bars import Bars
from mlx_muzero.market.calendar import NEW_YORK, WEEK_TURN_NS
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.types import F64, I64

FIRST_WEEK_NS = int(np.datetime64("2024-01-07T22:00", "ns").astype(np.int64))
"""Sunday 7 January 2024, 22:00 UTC: 17:00 in New York."""

DAY_MINUTES = DAY_NS // MINUTE_NS
WEEK_BARS = 5 * DAY_MINUTES
# The epoch was a Thursday: the first FX week started on the Sunday after, New York time.
_FIRST_OPEN_NS = 3 * DAY_NS + WEEK_TURN_NS
_WEEK_NS = 7 * DAY_NS

# Activity by UTC hour of a typical dollar pair: quiet after New York, busiest when London and New
# York overlap. Scaled to mean 1 below.
_MORNING = (0.85, 0.85, 0.75, 0.65, 0.60, 0.65, 0.85, 1.15, 1.25, 1.10, 1.00, 1.00)
_EVENING = (1.30, 1.60, 1.70, 1.50, 1.20, 1.00, 0.95, 0.85, 0.70, 0.50, 0.50, 0.65)
_LOWEST_PRICE = 50.0
_USUAL_PRICE = 150.0


def day_profile() -> F64:
    """``f64[1440]`` volatility of each UTC minute of the day, relative to the day's mean."""
    hours = np.arange(DAY_MINUTES) / 60.0
    profile = np.interp(hours, np.arange(24) + 0.5, _MORNING + _EVENING, period=24)
    return np.asarray(profile / profile.mean())


def minute_of_day(open_time_ns: I64) -> I64:
    """UTC minute of the day, in [0, 1440), same shape."""
    return np.asarray(open_time_ns // MINUTE_NS % DAY_MINUTES)


def sigma_pips(open_time_ns: I64, mean_sigma_pips: float) -> F64:
    """Standard deviation of each bar's change in pips, same shape."""
    return mean_sigma_pips * day_profile()[minute_of_day(open_time_ns)]


def week_opens(days: int, start_ns: int) -> I64:
    """UTC opens ``i64[W]`` of the FX weeks that `days` trading days fill, five per week.

    A week runs from Sunday 17:00 to Friday 17:00 New York time (`mlx_muzero.market.calendar`).

    Args:
        days: number of trading days, at least 1.
        start_ns: any UTC time; the first week opens at or after it.
    """
    week_before = (start_ns - _FIRST_OPEN_NS) // _WEEK_NS - 1
    weeks = week_before + np.arange(-(-days // 5) + 3, dtype=np.int64)
    opens = NEW_YORK.to_utc(_FIRST_OPEN_NS + weeks * _WEEK_NS)
    return opens[opens >= start_ns][: -(-days // 5)]


def fx_calendar(days: int, start_ns: int, hole_frac: float, rng: np.random.Generator) -> I64:
    """Bar opens of `days` trading days of 1440 minutes, in the FX weeks of `week_opens`.

    Args:
        days: number of trading days, five per week.
        start_ns: any UTC time; the first bar opens the first week at or after it.
        hole_frac: share of bars missing at random.
        rng: random generator for the missing bars.

    Returns:
        ``i64[T]`` bar opens; T = 1440 x days less the missing bars.

    Raises:
        ValueError: `days` below 1 or `hole_frac` outside [0, 0.5).
    """
    if days < 1 or not 0.0 <= hole_frac < 0.5:
        raise ValueError(f"expected days >= 1 and 0 <= hole_frac < 0.5, got {days} and {hole_frac}")
    week, minute = np.divmod(np.arange(days * DAY_MINUTES, dtype=np.int64), WEEK_BARS)
    # Clocks change while the market is closed: a week is 120 whole hours in either season.
    open_time_ns = week_opens(days, start_ns)[week] + minute * MINUTE_NS
    if hole_frac == 0.0:
        return np.asarray(open_time_ns)
    return np.asarray(open_time_ns[rng.random(len(open_time_ns)) >= hole_frac])


def bars_from_changes(
    symbol: str,
    open_time_ns: I64,
    change_pips: F64,
    sigma: F64,
    pip_size: float,
    rng: np.random.Generator,
) -> Bars:
    """Bars whose closes change by `change_pips`; each opens at the previous close.

    Highs and lows are extremes of a Brownian bridge from open to close, drawn from their exact
    marginal distributions (high and low independently). The price starts at 150, or higher if the
    path would otherwise fall below 50, so prices stay positive and changes unaltered.

    Args:
        symbol: name of the bars.
        open_time_ns: ``i64[T]`` UTC bar opens.
        change_pips: ``f64[T]`` close minus previous close.
        sigma: ``f64[T]`` standard deviation of each bar, in pips.
        pip_size: price of one pip.
        rng: random generator for the extremes and for the tick counts used as volume.
    """
    path = np.cumsum(change_pips) * pip_size
    start = max(_USUAL_PRICE, _LOWEST_PRICE - float(path.min()))
    close = start + path
    open_ = np.concatenate([[start], close[:-1]])
    middle, half = (open_ + close) / 2, (close - open_) / 2
    # Half the variance times the exponentials -ln(1 - U), U in [0, 1).
    reach = (sigma * pip_size) ** 2 / 2 * -np.log1p(-rng.random((2, len(close))))
    high, low = middle + np.sqrt(half**2 + reach[0]), middle - np.sqrt(half**2 + reach[1])
    return Bars(
        symbol=symbol,
        open_time_ns=open_time_ns,
        open=open_,
        high=np.maximum(high, np.maximum(open_, close)),
        low=np.minimum(low, np.minimum(open_, close)),
        close=close,
        volume=rng.poisson(100.0 * sigma / sigma.mean()).astype(np.float64),
    )
