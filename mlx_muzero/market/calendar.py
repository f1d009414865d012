"""When the FX market is closed: weekends and the two worldwide holidays.

The times are when retail feeds stop and resume, measured from real gaps: the week runs from Sunday
17:00 to Friday 17:00 New York; around 25 December and 1 January feeds stop on the eve and resume
a day later, some earlier than others. Other holidays only reduce activity.
"""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.market.clocks import ZoneClock
from mlx_muzero.timeunits import DAY_NS, HOUR_NS
from mlx_muzero.types import I64, Bool

NEW_YORK = ZoneClock("America/New_York")
WEEK_TURN_NS = 17 * HOUR_NS

_NIGHTS = np.array([1, 1, 0, 0, 1, 1, 3])
"""By day of the week, from Thursday, that of 1970-01-01."""

# (month, day, hour) in New York of the longest observed closures. New Year is a single closure that
# starts in the old year.
_CHRISTMAS = ((12, 24, 13), (12, 26, 18))
_NEW_YEAR = ((12, 31, 16), (1, 2, 3))


@dataclass(frozen=True, eq=False)
class Closures:
    """Disjoint intervals in which no bar is expected.

    Attributes:
        start_ns: ``i64[n]`` UTC starts, increasing.
        end_ns: ``i64[n]`` UTC ends.
    """

    start_ns: I64
    end_ns: I64

    @classmethod
    def union(cls, *parts: "Closures") -> "Closures":
        """The union of `parts`."""
        start = np.concatenate([p.start_ns for p in parts])
        end = np.concatenate([p.end_ns for p in parts])
        if not len(start):
            return parts[0]
        order = np.argsort(start)
        start, reach = start[order], np.maximum.accumulate(end[order])
        fresh = np.concatenate([[True], start[1:] > reach[:-1]])
        last = np.append(np.flatnonzero(fresh)[1:] - 1, len(start) - 1)
        return cls(start[fresh], reach[last])

    def closed_ns(self, start_ns: I64, end_ns: I64) -> I64:
        """Closed time within each [start, end), ``i64[T]`` nanoseconds."""
        lengths = np.concatenate([[0], np.cumsum(self.end_ns - self.start_ns)])

        def before(time_ns: I64) -> I64:
            begun = np.searchsorted(self.start_ns, time_ns, side="right")
            if not len(self.end_ns):
                return np.zeros(len(time_ns), np.int64)
            # The last closure that has begun may not have ended by then.
            open_part = np.maximum(self.end_ns[np.maximum(begun - 1, 0)] - time_ns, 0)
            return lengths[begun] - np.where(begun > 0, open_part, 0)

        return before(end_ns) - before(start_ns)


def fx_weekends(first_ns: int, last_ns: int) -> Closures:
    """Weekends that overlap `first_ns` to `last_ns`."""
    days = np.arange(first_ns // DAY_NS - 4, last_ns // DAY_NS + 2, dtype=np.int64)
    friday_close = days[days % 7 == 1] * DAY_NS + WEEK_TURN_NS  # 1970-01-02 was a Friday
    return Closures(NEW_YORK.to_utc(friday_close), NEW_YORK.to_utc(friday_close + 2 * DAY_NS))


def fx_holidays(first_ns: int, last_ns: int) -> Closures:
    """Christmas and New Year closures that overlap `first_ns` to `last_ns`."""
    first, last = (int(str(np.datetime64(ns, "ns").astype("M8[Y]"))) for ns in (first_ns, last_ns))
    years = range(first - 1, last + 1)
    start = [_local_ns(y, *edge) for y in years for edge in (_CHRISTMAS[0], _NEW_YEAR[0])]
    end = [_local_ns(*e) for y in years for e in ((y, *_CHRISTMAS[1]), (y + 1, *_NEW_YEAR[1]))]
    return Closures(NEW_YORK.to_utc(np.array(start)), NEW_YORK.to_utc(np.array(end)))


def fx_days(first_ns: int, last_ns: int) -> I64:
    """UTC starts ``i64[D]`` of the trading days that overlap `first_ns` to `last_ns`.

    A trading day runs from 17:00 New York to the next, from Sunday's to Thursday's: 24 hours each,
    because clocks change on weekends. Days that a holiday closes entirely are included.
    """
    days = np.arange(first_ns // DAY_NS - 2, last_ns // DAY_NS + 2, dtype=np.int64)
    days = days[~np.isin(days % 7, (1, 2))]  # 1970-01-02 was a Friday
    start = NEW_YORK.to_utc(days * DAY_NS + WEEK_TURN_NS)
    return start[(start < last_ns) & (start + DAY_NS > first_ns)]


def swap_nights(before_ns: I64, after_ns: I64) -> I64:
    """Nights of swap between times, ``i64[T]``.

    Each weekday's 17:00 New York in (before, after] counts one and Wednesday's three, for the
    weekend: spot trades settle two days later.
    """
    if not len(after_ns):
        return np.zeros(0, np.int64)
    days = np.arange(before_ns.min() // DAY_NS - 2, after_ns.max() // DAY_NS + 3, dtype=np.int64)
    at = NEW_YORK.to_utc(days * DAY_NS + WEEK_TURN_NS)
    nights = np.concatenate([[0], np.cumsum(_NIGHTS[days % 7])])
    passed = (np.searchsorted(at, time_ns, side="right") for time_ns in (after_ns, before_ns))
    after, before = passed
    return np.asarray(nights[after] - nights[before])


def near_week_turn(time_ns: I64, tolerance_ns: int) -> Bool:
    """``bool[T]`` whether each UTC time is within `tolerance_ns` of 17:00 New York."""
    away = (NEW_YORK.from_utc(time_ns) - WEEK_TURN_NS) % DAY_NS
    return np.minimum(away, DAY_NS - away) <= tolerance_ns


def _local_ns(year: int, month: int, day: int, hour: int) -> int:
    date = np.datetime64(f"{year:04d}-{month:02d}-{day:02d}", "D").astype(np.int64)
    return int(date) * DAY_NS + hour * HOUR_NS
