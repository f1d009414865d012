"""Detects a file's clock, and where its bars are stamped, from the weekends in it.

The FX week closes Friday 17:00 and opens Sunday 17:00 New York time. In years of HistData and FXCM,
the last bar opens at 16:59 and the first at 17:00 in nine weeks out of ten.
"""

from typing import Literal

import numpy as np

from mlx_muzero.market.calendar import NEW_YORK, WEEK_TURN_NS
from mlx_muzero.market.clocks import Clock, ZoneClock
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS
from mlx_muzero.types import I64

Stamps = Literal["open", "close"]
"""Whether bars are stamped at their open or at their close."""

# A broker's week opens and closes this close to a whole hour.
WEEK_TURN_TOLERANCE_NS = 15 * MINUTE_NS
# A single weekend may be a holiday; two that agree are not.
MIN_WEEKENDS = 2
# Early closes before holidays are one or two of a year's 104 edges; the wrong daylight saving
# rule (European for American) is eight.
MIN_AGREEING_FRAC = 0.96

# Share of weeks with a bar stamped 17:00 sharp: at least where it is the rule, at most elsewhere.
_MANY_FRAC, _FEW_FRAC = 0.5, 0.1


class WeekEdges:
    """Collects the bars around every weekend of a symbol (a gap of 40 to 60 hours), as stamped.

    Attributes:
        first_ns: earliest wall time seen, None if none yet.
        last_ns: latest wall time seen.
    """

    def __init__(self) -> None:
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self._previous = np.empty(0, np.int64)
        self._before: list[I64] = []
        self._after: list[I64] = []

    def see(self, wall_ns: I64) -> None:
        """Add consecutive rows: ``i64[T]`` wall times of bars, oldest or newest first."""
        if not len(wall_ns):
            return
        low, high = int(wall_ns.min()), int(wall_ns.max())
        self.first_ns = low if self.first_ns is None else min(low, self.first_ns)
        self.last_ns = high if self.last_ns is None else max(high, self.last_ns)
        times = np.concatenate([self._previous, wall_ns])
        self._previous = wall_ns[-1:]
        gaps = np.abs(np.diff(times))
        row = np.flatnonzero((gaps >= 40 * HOUR_NS) & (gaps <= 60 * HOUR_NS))
        self._before.append(np.minimum(times[row], times[row + 1]))
        self._after.append(np.maximum(times[row], times[row + 1]))

    def clock(self) -> ZoneClock | None:
        """The clock implied by the hours at which weeks close and open.

        Both edges of every weekend give an offset from UTC, from New York (many brokers keep it at
        7 h, for five daily bars a week) and from London (European daylight saving). The zone whose
        offsets agree best, to the hour, is the clock.

        Returns:
            The clock, or None if there are fewer than `MIN_WEEKENDS` weekends or no zone agrees on
            `MIN_AGREEING_FRAC` of the edges.
        """
        before, after = self._edges()
        if len(before) < MIN_WEEKENDS:
            return None
        # The bar before the gap closes a minute after it opens.
        walls = np.concatenate([before + MINUTE_NS, after])
        closes, opens = _nearest_turn_ns(before + MINUTE_NS, 4), _nearest_turn_ns(after, 6)
        turns = np.concatenate([closes, opens])
        turns_utc = NEW_YORK.to_utc(turns)
        best, best_frac = None, MIN_AGREEING_FRAC
        for zone in ("UTC", "America/New_York", "Europe/London"):
            shifts = walls - ZoneClock(zone).from_utc(turns_utc)
            hours = np.round(shifts / HOUR_NS).astype(np.int64)
            near = np.abs(shifts - hours * HOUR_NS) <= WEEK_TURN_TOLERANCE_NS
            values, counts = np.unique(hours[near], return_counts=True)
            frac = counts.max(initial=0) / len(walls)
            if frac > best_frac:
                best, best_frac = ZoneClock(zone, int(values[counts.argmax()]) * HOUR_NS), frac
        return best

    def contradict(self, clock: Clock) -> ZoneClock | None:
        """The clock implied by the weeks, if it differs from `clock`."""
        shown = self.clock()
        if shown is None:
            return None
        walls = np.concatenate(self._edges())
        away = np.abs(shown.to_utc(walls) - clock.to_utc(walls))
        return shown if (away > WEEK_TURN_TOLERANCE_NS).mean() > 1 - MIN_AGREEING_FRAC else None

    def stamps(self, clock: Clock) -> Stamps | None:
        """Where the bars are stamped, or None if it does not show.

        Stamped at their open, the first bar of a week says 17:00 New York time; stamped at their
        close, the last does. A file of whole days runs from 00:00 to 23:59, or from 00:01 to 00:00.

        Args:
            clock: the clock the file is read on.
        """
        edges = self._edges()
        if len(edges[0]) >= MIN_WEEKENDS:
            local = (NEW_YORK.from_utc(clock.to_utc(edge)) for edge in edges)
            before, after = ((times % DAY_NS == WEEK_TURN_NS).mean() for times in local)
            if before >= _MANY_FRAC and after <= _FEW_FRAC:
                return "close"
            if after >= _MANY_FRAC and before <= _FEW_FRAC:
                return "open"
        first, last = (self.first_ns or 0) % DAY_NS, (self.last_ns or 0) % DAY_NS
        by_cover: dict[tuple[int, int], Stamps] = {
            (0, DAY_NS - MINUTE_NS): "open",
            (MINUTE_NS, 0): "close",
        }
        return by_cover.get((first, last))

    def _edges(self) -> tuple[I64, I64]:
        none = np.empty(0, np.int64)
        return np.concatenate([none, *self._before]), np.concatenate([none, *self._after])


def _nearest_turn_ns(wall_ns: I64, weekday: int) -> I64:
    # The nearest 17:00 on a `weekday` (Monday 0), as local time; 1970-01-01 was a Thursday.
    anchor = WEEK_TURN_NS + (weekday - 3) * DAY_NS
    weeks = np.round((wall_ns - anchor) / (7 * DAY_NS)).astype(np.int64)
    return anchor + weeks * 7 * DAY_NS
