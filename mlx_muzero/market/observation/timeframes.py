"""Bars of several minutes, aggregated from minute bars; each closes with its last minute.

A five-minute bar opens on a multiple of five minutes (UTC), an hourly bar on the hour. Missing
minutes are left out. The bar in which a history starts is dropped unless the history has its first
minute, so that bars do not depend on where a history was cut.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlx_muzero.config.choices import HigherTimeframe
from mlx_muzero.market.bars import Bars
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS
from mlx_muzero.types import F64, I64

TIMEFRAME_NS: dict[HigherTimeframe, int] = {"5m": 5 * MINUTE_NS, "1h": HOUR_NS}


class Bar(NamedTuple):
    """One closed bar, of a minute or longer: one row of `Bars`.

    `spread` is ask less bid when it opened, NaN where unknown.
    """

    open_time_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    spread: float = math.nan


def bars_of(symbol: str, minutes: list[Bar]) -> Bars:
    """`minutes` (at least one) as `Bars`."""
    time_ns, *columns, _ = zip(*minutes, strict=True)
    return Bars(symbol, np.array(time_ns, np.int64), *(np.array(c, np.float64) for c in columns))


@dataclass(frozen=True, eq=False)
class HigherBars:
    """Closed bars of one timeframe.

    Attributes:
        bars: the n bars, stamped with their open.
        first_minute: ``i64[n]`` index of the first minute bar of each.
        last_closed: ``i64[T]`` index of the last bar that is closed when each minute bar closes, -1
            if none.
    """

    bars: Bars
    first_minute: I64
    last_closed: I64


def higher_bars(minutes: Bars, timeframe_ns: int) -> HigherBars:
    """`minutes` aggregated into bars of `timeframe_ns`."""
    frame = minutes.open_time_ns // timeframe_ns
    begins = np.flatnonzero(np.diff(frame, prepend=frame[:1] - 1))
    end_ns = (frame[begins] + 1) * timeframe_ns
    keep = np.ones(len(begins), bool)
    keep[:1] = minutes.open_time_ns[:1] % timeframe_ns == 0
    # A bar that has not ended by the last minute's close is not closed yet.
    keep &= end_ns <= minutes.open_time_ns[-1:] + MINUTE_NS
    ends = np.append(begins[1:], len(minutes))
    bars = Bars(
        minutes.symbol,
        (frame[begins] * timeframe_ns)[keep],
        minutes.open[begins[keep]],
        _gathered(np.maximum, minutes.high, begins)[keep],
        _gathered(np.minimum, minutes.low, begins)[keep],
        minutes.close[ends[keep] - 1],
        _gathered(np.add, minutes.volume, begins)[keep],
    )
    close_ns = minutes.open_time_ns + MINUTE_NS
    last_closed = np.searchsorted(end_ns[keep], close_ns, side="right") - 1
    return HigherBars(bars, begins[keep], last_closed)


class HigherBarBuilder:
    """Builds the same bars minute by minute, bit for bit."""

    def __init__(self, timeframe_ns: int) -> None:
        self._timeframe_ns = timeframe_ns
        self._minutes: list[Bar] = []
        self._skipped: int | None = None

    def push(self, minute: Bar) -> list[Bar]:
        """Add a minute; returns the bars (at most two) that close with it."""
        closed = []
        frame, into_ns = divmod(minute.open_time_ns, self._timeframe_ns)
        if self._skipped is None:
            self._skipped = frame - (into_ns == 0)
        if self._minutes and self._minutes[0].open_time_ns // self._timeframe_ns != frame:
            closed.append(self._close())
        if frame > self._skipped:
            self._minutes.append(minute)
            if into_ns == self._timeframe_ns - MINUTE_NS:
                closed.append(self._close())
        return closed

    def _close(self) -> Bar:
        minutes = bars_of("", self._minutes)
        self._minutes = []
        first = np.zeros(1, np.int64)
        open_ns = int(minutes.open_time_ns[0])
        return Bar(
            open_ns - open_ns % self._timeframe_ns,
            float(minutes.open[0]),
            float(_gathered(np.maximum, minutes.high, first)[0]),
            float(_gathered(np.minimum, minutes.low, first)[0]),
            float(minutes.close[-1]),
            float(_gathered(np.add, minutes.volume, first)[0]),
        )


def _gathered(reduce: np.ufunc, column: F64, begins: I64) -> F64:
    """`column` reduced over the minutes between consecutive `begins`."""
    return np.asarray(reduce.reduceat(column, begins)) if len(begins) else column
