"""File clocks: convert a vendor's wall times to UTC, millions of rows at once.

A clock is a time zone plus a fixed shift. HistData documents its files as "EST without daylight
saving". In fact they follow New York with US daylight saving up to 2018, and London minus five
hours from 2019 (measured from weekly opens and closes and from the minute of the US payrolls).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from mlx_muzero.types import I64

CLOCK_HELP = "UTC, UTC+2, UTC-05:30, an IANA zone (Europe/Athens), a zone with a shift in hours \
(America/New_York+7), or histdata"

_DAY_S = DAY_NS // SECOND_NS
_HISTDATA_SWITCH_NS = int(np.datetime64("2019-01-01", "ns").astype(np.int64))


class Clock(Protocol):
    """Converts a file's wall times to UTC."""

    def to_utc(self, wall_ns: I64) -> I64:
        """UTC of each wall time, both ``i64[T]`` nanoseconds since 1970.

        A wall time that occurs twice is read as its first occurrence; one that never occurs is read
        with the offset in force before the gap.
        """

    def describe(self, first_wall_ns: int, last_wall_ns: int) -> str:
        """The rule in words, limited to what applies to a file of that period."""


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
        changes, offsets = _offsets(self.zone, *_year_range(local))
        # Skipped and repeated local times keep the old offset until the later of the two readings.
        starts = changes[1:] + np.maximum(offsets[:-1], offsets[1:])
        return local - offsets[np.searchsorted(starts, local, side="right")]

    def from_utc(self, utc_ns: I64) -> I64:
        """Wall time of each UTC time, both ``i64[T]``."""
        if not len(utc_ns):
            return utc_ns
        changes, offsets = _offsets(self.zone, *_year_range(utc_ns))
        return utc_ns + offsets[np.searchsorted(changes[1:], utc_ns, side="right")] + self.shift_ns

    def describe(self, first_wall_ns: int, last_wall_ns: int) -> str:
        """See `Clock.describe`."""
        return self.name

    @property
    def name(self) -> str:
        """The text that `parse_clock` reads as this clock."""
        minutes = abs(self.shift_ns) // MINUTE_NS
        sign = "-" if self.shift_ns < 0 else "+"
        shift = f"{sign}{minutes // 60}" + (f":{minutes % 60:02d}" if minutes % 60 else "")
        return self.zone + (shift if minutes else "")


@dataclass(frozen=True)
class HistDataClock:
    """HistData's clock: New York local time to 2018, London local time minus 5 h from 2019."""

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
        DataError: there is no such clock.
    """
    if text.lower() == "histdata":
        return HistDataClock()
    match = re.fullmatch(r"(.+?)([+-])(\d{1,2})(?::([0-5]\d))?", text)
    if _is_zone(text):
        return ZoneClock("UTC" if text.upper() == "UTC" else text)
    if match and _is_zone(match[1]) and int(match[3]) <= 14:
        minutes = int(match[3]) * 60 + int(match[4] or 0)
        return ZoneClock(match[1], (minutes if match[2] == "+" else -minutes) * MINUTE_NS)
    raise DataError(f"unknown clock {text!r}; a clock is {CLOCK_HELP}")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=64)
def _offsets(zone: str, first_year: int, last_year: int) -> tuple[I64, I64]:
    """UTC times at which each offset takes effect, and the offsets, both in nanoseconds."""
    try:
        info = ZoneInfo(zone)
    except ZoneInfoNotFoundError as error:
        raise DataError(
            f"this system has no time zone data for {zone}: install it (package tzdata)"
        ) from error

    def offset_s(second: int) -> int:
        offset = (datetime.fromtimestamp(0, UTC) + timedelta(seconds=second)).astimezone(info)
        return int((offset.utcoffset() or timedelta()).total_seconds())

    begin = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp()) - _DAY_S
    end = int(datetime(last_year + 1, 1, 1, tzinfo=UTC).timestamp()) + _DAY_S
    changes, offsets = [begin], [offset_s(begin)]
    # No zone changes its offset twice within a week.
    for week in range(begin, end, 7 * _DAY_S):
        before, after = offsets[-1], offset_s(week + 7 * _DAY_S)
        if before == after:
            continue
        low, high = week, week + 7 * _DAY_S
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset_s(middle) == before else (low, middle)
        changes.append(high)
        offsets.append(after)
    return np.array(changes) * SECOND_NS, np.array(offsets) * SECOND_NS


def _year_range(time_ns: I64) -> tuple[int, int]:
    ends = np.array([time_ns.min(), time_ns.max()]).astype("M8[ns]").astype("M8[Y]")
    first, last = ends.astype(np.int64)
    return int(first) + 1970, int(last) + 1970


def _years(first_ns: int, last_ns: int) -> str:
    first, last = (str(np.datetime64(ns, "ns").astype("M8[Y]")) for ns in (first_ns, last_ns))
    return first if first == last else f"{first}-{last}"
