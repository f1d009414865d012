"""File clocks: from the wall time a vendor wrote to UTC, for millions of rows at once.

A clock is a zone plus a fixed shift. HistData says its files are "EST without daylight saving".
They are not: to 2018 they follow New York with US daylight saving, from 2019 London minus five
hours (both seen in the weekly opens and closes and in the minute of the US payrolls).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import DAY_NS, HOUR_NS, MINUTE_NS
from mlx_muzero.types import I64

CLOCK_HELP = "UTC, UTC+2, UTC-05:30, an IANA zone (Europe/Athens), a zone with a shift in hours \
(America/New_York+7), or histdata"

_SECOND_NS = 1_000_000_000
_HISTDATA_SWITCH_NS = int(np.datetime64("2019-01-01", "ns").astype(np.int64))

# A broker's week opens within this of Sunday 17:00 New York, give or take its offset.
WEEK_OPEN_TOLERANCE_NS = 15 * MINUTE_NS
# One weekend may be a holiday's; two that agree are not.
MIN_WEEKENDS = 2


class Clock(Protocol):
    """Turns the wall time of a file into UTC."""

    def to_utc(self, wall_ns: I64) -> I64:
        """UTC of each wall time, both I64[T] nanoseconds since 1970.

        A wall time that occurs twice is read as the first; one that never occurs is read with
        the offset before the gap.
        """

    def describe(self, first_wall_ns: int, last_wall_ns: int) -> str:
        """The rule in words, as far as it concerns a file of that period."""


@dataclass(frozen=True)
class ZoneClock:
    """Local time of an IANA zone plus a fixed shift."""

    zone: str
    shift_ns: int = 0

    def to_utc(self, wall_ns: I64) -> I64:
        """See `Clock.to_utc`."""
        local = wall_ns - self.shift_ns
        if not len(local):
            return local
        years = (local[[local.argmin(), local.argmax()]].astype("datetime64[ns]")).astype("M8[Y]")
        starts, offsets = _offsets(self.zone, *(int(y) + 1970 for y in years.astype(np.int64)))
        return local - offsets[np.searchsorted(starts, local, side="right") - 1]

    def describe(self, first_wall_ns: int, last_wall_ns: int) -> str:
        """See `Clock.describe`."""
        return self.name

    @property
    def name(self) -> str:
        """What `parse_clock` reads as this clock."""
        minutes = abs(self.shift_ns) // MINUTE_NS
        sign = "-" if self.shift_ns < 0 else "+"
        shift = f"{sign}{minutes // 60}" + (f":{minutes % 60:02d}" if minutes % 60 else "")
        return self.zone + (shift if minutes else "")


@dataclass(frozen=True)
class HistDataClock:
    """HistData's files: New York local time to 2018, London local time minus 5 h from 2019."""

    to_2018: ZoneClock = ZoneClock("America/New_York")
    from_2019: ZoneClock = ZoneClock("Europe/London", -5 * HOUR_NS)

    def to_utc(self, wall_ns: I64) -> I64:
        """See `Clock.to_utc`."""
        early = wall_ns < _HISTDATA_SWITCH_NS
        if early.all():
            return self.to_2018.to_utc(wall_ns)
        utc = self.from_2019.to_utc(wall_ns)
        utc[early] = self.to_2018.to_utc(wall_ns[early])
        return utc

    def describe(self, first_wall_ns: int, last_wall_ns: int) -> str:
        """See `Clock.describe`."""
        rules = []
        if first_wall_ns < _HISTDATA_SWITCH_NS:
            rules.append(
                f"{_years(first_wall_ns, min(last_wall_ns, _HISTDATA_SWITCH_NS - 1))}: "
                "New York local time with US daylight saving"
            )
        if last_wall_ns >= _HISTDATA_SWITCH_NS:
            rules.append(
                f"{_years(max(first_wall_ns, _HISTDATA_SWITCH_NS), last_wall_ns)}: "
                "London local time minus 5 h"
            )
        return "histdata (" + "; ".join(rules) + ")"


UTC_CLOCK = ZoneClock("UTC")


def parse_clock(text: str) -> Clock:
    """The clock named `text` (see `CLOCK_HELP`).

    Raises:
        DataError: if there is no such clock.
    """
    if text.lower() == "histdata":
        return HistDataClock()
    match = re.fullmatch(r"(.+?)([+-])(\d{1,2})(?::([0-5]\d))?", text)
    if _is_zone(text):
        return ZoneClock("UTC" if text.upper() == "UTC" else text)
    if match and _is_zone(match[1]) and int(match[3]) <= 14:
        minutes = int(match[3]) * 60 + int(match[4] or 0)
        return ZoneClock(match[1], (minutes if match[2] == "+" else -minutes) * MINUTE_NS)
    raise DataError(f"no clock is called {text!r}; a clock is {CLOCK_HELP}")


def detect_fx_clock(wall_ns: I64) -> ZoneClock | None:
    """Finds a broker's clock from the hours its weeks close and open.

    The FX week closes Friday 17:00 and opens Sunday 17:00 New York time. Every weekend gap of
    the file (40 to 60 h) gives the offset at its two edges; if all agree on one fixed offset that
    is the clock, if they agree on one distance from New York (brokers at New York + 7 h keep
    their daily bars to five a week) that is, otherwise nothing is guessed.

    Args:
        wall_ns: I64[T] wall times of FX bars, in time order.

    Returns:
        The clock, or None if the file has fewer than `MIN_WEEKENDS` weekends or they disagree.
    """
    gaps = np.diff(wall_ns)
    edges = np.flatnonzero((gaps >= 40 * HOUR_NS) & (gaps <= 60 * HOUR_NS))
    fixed, new_york = set(), set()
    weekends = 0
    for edge in edges:
        # The bar before the gap closes a minute after it opens.
        for wall, day in ((int(wall_ns[edge]) + MINUTE_NS, 4), (int(wall_ns[edge + 1]), 6)):
            local_week_turn = _nearest_weekday_ns(wall, day) + 17 * HOUR_NS
            shift = wall - local_week_turn
            rounded = round(shift / (30 * MINUTE_NS)) * 30 * MINUTE_NS
            if abs(shift - rounded) > WEEK_OPEN_TOLERANCE_NS:
                return None
            new_york.add(rounded)
            turn_utc = ZoneClock("America/New_York").to_utc(np.array([local_week_turn]))[0]
            fixed.add(rounded + local_week_turn - int(turn_utc))
        weekends += 1
    if weekends < MIN_WEEKENDS:
        return None
    if len(fixed) == 1:
        return ZoneClock("UTC", fixed.pop())
    return ZoneClock("America/New_York", new_york.pop()) if len(new_york) == 1 else None


def _nearest_weekday_ns(wall_ns: int, weekday: int) -> int:
    # Midnight of the `weekday` (Monday 0) whose 17:00 is nearest; 1970-01-01 was a Thursday.
    anchor = 17 * HOUR_NS + (weekday - 3) * DAY_NS
    weeks = round((wall_ns - anchor) / (7 * DAY_NS))
    return anchor - 17 * HOUR_NS + weeks * 7 * DAY_NS


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=64)
def _offsets(zone: str, first_year: int, last_year: int) -> tuple[I64, I64]:
    """Local times from which each UTC offset holds, and the offsets, both nanoseconds."""
    info = ZoneInfo(zone)

    def offset_s(second: int) -> int:
        offset = (datetime.fromtimestamp(0, UTC) + timedelta(seconds=second)).astimezone(info)
        return int((offset.utcoffset() or timedelta()).total_seconds())

    begin = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp()) - 86_400
    end = int(datetime(last_year + 1, 1, 1, tzinfo=UTC).timestamp()) + 86_400
    starts, offsets = [-(2**63)], [offset_s(begin)]
    for day in range(begin, end, 86_400):
        before, after = offset_s(day), offset_s(day + 86_400)
        if before == after:
            continue
        low, high = day, day + 86_400
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset_s(middle) == before else (low, middle)
        # Skipped and repeated local times keep the old offset: both end at the later reading.
        starts.append((high + max(before, after)) * _SECOND_NS)
        offsets.append(after)
    return np.array(starts, np.int64), np.array(offsets, np.int64) * _SECOND_NS


def _years(first_ns: int, last_ns: int) -> str:
    first, last = (str(np.datetime64(ns, "ns").astype("M8[Y]")) for ns in (first_ns, last_ns))
    return first if first == last else f"{first}-{last}"
