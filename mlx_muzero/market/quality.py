"""Checks a symbol's bars: gaps by cause, impossible prices, outliers, stray days."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mlx_muzero.market.bars import Bars, Fault, price_faults
from mlx_muzero.market.calendar import Closures, fx_holidays, fx_weekends, near_week_turn
from mlx_muzero.market.instrument import Market
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS
from mlx_muzero.types import F64, I64

# Longest gap that a session bridges (FX "Data Pipeline Details": max gap 10 minutes).
SHORT_GAP_MINUTES = 10

# Feeds stop early and resume late by minutes around a weekend (562 of 565 weekends of HistData by
# under ten), by hours around a holiday: this much open-market time is attributed to the closure.
WEEKEND_SLACK_MINUTES = SHORT_GAP_MINUTES
HOLIDAY_SLACK_MINUTES = 180

# A weekday gap between two 17:00 New York, within this tolerance, is an unlisted holiday.
UNLISTED_HOLIDAY_TOLERANCE_NS = 90 * MINUTE_NS
UNLISTED_HOLIDAY_MIN_NS = 22 * HOUR_NS

# An outlier moves this many robust standard deviations: 1.4826 x the median absolute one-minute
# return of its UTC day, at least half the symbol's and one tick. Payrolls reach 50 to 130 and are
# listed although real; `Outlier.reverted` marks those that look like a bad tick.
OUTLIER_SIGMAS = 50.0
MAD_TO_SIGMA = 1.4826
# A day with fewer one-minute returns uses the spread of the whole symbol.
_MIN_DAY_RETURNS = 30

_SATURDAY = 2  # days since Thursday, 1970-01-01


class GapKind(StrEnum):
    """Why bars are missing between two neighboring bars."""

    ONE_MINUTE = "one-minute hole"
    SHORT = "short gap"
    OUTAGE = "outage"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


@dataclass(frozen=True)
class Gap:
    """Missing minutes: the first at `start_ns`, the next bar opens at `end_ns` (UTC).

    `open_minutes` counts those in which the calendar has the market open.
    """

    kind: GapKind
    start_ns: int
    end_ns: int
    missing_minutes: int
    open_minutes: int


@dataclass(frozen=True)
class Outlier:
    """A one-minute return far outside those of its day.

    Attributes:
        open_time_ns: UTC open of the bar that moved.
        return_bps: its log return from the previous close, in basis points.
        sigmas: the return in robust standard deviations of its day.
        reverted: whether the next minute took back at least half, as after a bad tick.
    """

    open_time_ns: int
    return_bps: float
    sigmas: float
    reverted: bool


@dataclass(frozen=True)
class QualityReport:
    """The result of `check`.

    Attributes:
        symbol: the symbol.
        market: the calendar used.
        bars: number of bars.
        first_ns: open of the first bar.
        last_ns: open of the last bar.
        gap_counts: number of gaps by kind.
        missing_minutes: number of missing minutes by kind.
        open_minutes: missing minutes by kind in which the market was open.
        gaps: every outage and holiday, in time order.
        source_repeats: rows repeated in the imported files, kept once.
        impossible: number of impossible bars by fault.
        outliers: outliers in time order.
        saturday_bars: bars on a UTC Saturday, when FX is closed; 0 for crypto.
        zero_volume_bars: bars with a known volume of zero.
    """

    symbol: str
    market: Market
    bars: int
    first_ns: int
    last_ns: int
    gap_counts: dict[GapKind, int]
    missing_minutes: dict[GapKind, int]
    open_minutes: dict[GapKind, int]
    gaps: tuple[Gap, ...]
    source_repeats: int
    impossible: dict[str, int]
    outliers: tuple[Outlier, ...]
    saturday_bars: int
    zero_volume_bars: int


def check(bars: Bars, market: Market, source_repeats: int = 0) -> QualityReport:
    """Check `bars` for faults without changing anything.

    Args:
        bars: at least one bar.
        market: the calendar to use (from `BarStore.instrument`).
        source_repeats: included in the report (from `BarStore.imports`).
    """
    gaps = classify_gaps(bars.open_time_ns, market)
    faults = price_faults(bars.open, bars.high, bars.low, bars.close, bars.volume)
    saturday = bars.open_time_ns // DAY_NS % 7 == _SATURDAY
    return QualityReport(
        symbol=bars.symbol,
        market=market,
        bars=len(bars),
        first_ns=int(bars.open_time_ns[0]),
        last_ns=int(bars.open_time_ns[-1]),
        gap_counts={kind: sum(g.kind == kind for g in gaps) for kind in GapKind},
        missing_minutes={
            kind: sum(g.missing_minutes for g in gaps if g.kind == kind) for kind in GapKind
        },
        open_minutes={
            kind: sum(g.open_minutes for g in gaps if g.kind == kind) for kind in GapKind
        },
        gaps=tuple(g for g in gaps if g.kind in (GapKind.OUTAGE, GapKind.HOLIDAY)),
        source_repeats=source_repeats,
        impossible={fault.text: int((faults == fault).sum()) for fault in Fault if fault},
        outliers=tuple(find_outliers(bars.open_time_ns, bars.close)),
        saturday_bars=int(saturday.sum()) if market == "fx" else 0,
        zero_volume_bars=int((bars.volume == 0).sum()),
    )


def classify_gaps(open_time_ns: I64, market: Market) -> list[Gap]:
    """Classify every gap between neighboring bars by cause.

    A gap is a weekend if all but `WEEKEND_SLACK_MINUTES` of it lies in one; a holiday if a holiday
    accounts for more of it and all but `HOLIDAY_SLACK_MINUTES` is closed. The rest is a one-minute
    hole, a short gap that a session bridges, or an outage, possibly with a weekend in it.

    Args:
        open_time_ns: ``i64[T]`` increasing UTC bar opens.
        market: "crypto" has no closures.
    """
    before = np.flatnonzero(np.diff(open_time_ns) > MINUTE_NS)
    if not len(before):
        return []
    start, end = open_time_ns[before] + MINUTE_NS, open_time_ns[before + 1]
    missing = (end - start) // MINUTE_NS
    kinds = np.full(len(start), GapKind.OUTAGE, object)
    kinds[missing <= SHORT_GAP_MINUTES] = GapKind.SHORT
    kinds[missing == 1] = GapKind.ONE_MINUTE
    closed = np.zeros(len(start), np.int64)
    if market == "fx":
        weekends = fx_weekends(int(start[0]), int(end[-1]))
        both = Closures.union(weekends, fx_holidays(int(start[0]), int(end[-1])))
        weekend, closed = weekends.closed_ns(start, end), both.closed_ns(start, end)
        is_weekend = closed == weekend
        slack = np.where(is_weekend, WEEKEND_SLACK_MINUTES, HOLIDAY_SLACK_MINUTES) * MINUTE_NS
        long = missing > SHORT_GAP_MINUTES
        explained = long & (closed > 0) & (end - start - closed <= slack)
        turns = near_week_turn(start, UNLISTED_HOLIDAY_TOLERANCE_NS)
        turns &= near_week_turn(end, UNLISTED_HOLIDAY_TOLERANCE_NS)
        unlisted = turns & (end - start - weekend >= UNLISTED_HOLIDAY_MIN_NS)
        unlisted &= end - start <= 4 * DAY_NS
        kinds[unlisted | explained] = GapKind.HOLIDAY
        kinds[explained & is_weekend] = GapKind.WEEKEND
    while_open = missing - closed // MINUTE_NS
    return [
        Gap(kind, int(a), int(b), int(n), int(m))
        for kind, a, b, n, m in zip(kinds, start, end, missing, while_open, strict=True)
    ]


def find_outliers(open_time_ns: I64, close: F64) -> list[Outlier]:
    """Find one-minute returns beyond `OUTLIER_SIGMAS` (see there) of their day.

    Args:
        open_time_ns: ``i64[T]`` increasing UTC bar opens.
        close: ``f64[T]`` closes; bars without a positive close are ignored.
    """
    usable = np.isfinite(close) & (close > 0)
    time, price = open_time_ns[usable], close[usable]
    if len(price) < 2:
        return []
    log = np.log(price)
    step = np.where(np.diff(time) == MINUTE_NS, np.diff(log), np.nan)
    size = np.abs(step)
    moves = np.abs(np.diff(price))
    tick = moves[moves > 1e-12].min(initial=np.inf)
    overall = np.nanmedian(size) if np.isfinite(size).any() else 0.0
    day = time[1:] // DAY_NS
    starts = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
    sigma = np.empty(len(step))
    for a, b in zip(starts, np.append(starts[1:], len(day)), strict=True):
        known = size[a:b][~np.isnan(size[a:b])]
        own = np.median(known) if len(known) >= _MIN_DAY_RETURNS else overall
        sigma[a:b] = max(own, overall / 2)
    sigma = MAD_TO_SIGMA * np.maximum(sigma, np.minimum(tick, price[:-1]) / price[:-1])
    return [
        Outlier(
            int(time[i + 1]),
            float(step[i] * 1e4),
            float(size[i] / sigma[i]),
            bool(i + 1 < len(step) and -step[i + 1] * np.sign(step[i]) >= 0.5 * size[i]),
        )
        for i in np.flatnonzero(size > OUTLIER_SIGMAS * sigma)
    ]
