"""Times of day as settings write them: ``09:55 Asia/Tokyo``, with a name before it for an event."""

import re
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mlx_muzero.timeunits import MINUTE_NS

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d) +(\S+)")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?:-(?:([01]\d|2[0-3]):([0-5]\d)|24:00))? +(\S+)")
_BAR = re.compile(r"bar +(\d{1,6})")
_TIMES = re.compile(r"((?:\d\d:\d\d[ ,]+)+)(\S+)")
_EVERY = re.compile(r"every +(\d{1,2}) *h")
_EVENT = re.compile(r"([a-z][a-z0-9_]*) +(.+)")

DAY_MINUTES = 1440

USUAL_EVENTS = (
    "tokyo_fix 09:55 Asia/Tokyo",
    "london_fix 16:00 Europe/London",
    "new_york_close 16:00 America/New_York",
    "roll 17:00 America/New_York",
)
"""The rates that Japan's banks and WM/Refinitiv fix, the close of New York's stock exchanges, and
the end of a trading day."""


class LocalTime(NamedTuple):
    """A time of day on the clock of an IANA zone, whose daylight saving it follows.

    Attributes:
        minute: minutes since local midnight.
        zone: such as ``Asia/Tokyo``.
    """

    minute: int
    zone: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The time written as ``HH:MM ZONE``.

        Raises:
            ValueError: it is not written so, or there is no such zone.
        """
        match = _TIME.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a local time: write 07:00 Asia/Tokyo")
        try:
            ZoneInfo(match[3])
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"{match[3]!r} is not a time zone known here: write one such as Asia/Tokyo, or "
                "install the package tzdata"
            ) from error
        return cls(60 * int(match[1]) + int(match[2]), match[3])

    @property
    def ns(self) -> int:
        """Nanoseconds since local midnight."""
        return self.minute * MINUTE_NS


class DailyTimes(NamedTuple):
    """Times of every day on the clock of one IANA zone.

    Attributes:
        minutes: since local midnight, ascending, all different.
        zone: such as ``UTC``.
    """

    minutes: tuple[int, ...]
    zone: str

    def __str__(self) -> str:
        """The text that `parse` reads as these times."""
        times = " ".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in self.minutes)
        return f"{times} {self.zone}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The times written as ``00:00 12:00 Europe/London``, or ``every 8 h`` of UTC.

        Raises:
            ValueError: they are not written so, or there is no such zone.
        """
        if match := _EVERY.fullmatch(text.strip()):
            hours = int(match[1])
            if hours == 0 or 24 % hours:
                raise ValueError(f"{text!r}: the hours must divide the 24 of a day, as every 8 h")
            return cls(tuple(range(0, DAY_MINUTES, 60 * hours)), "UTC")
        match = _TIMES.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r}: write 08:00 UTC, 00:00 08:00 16:00 UTC, or every 8 h")
        times = match[1].replace(",", " ").split()
        minutes = {LocalTime.parse(f"{time} {match[2]}").minute for time in times}
        return cls(tuple(sorted(minutes)), match[2])


class DailySpan(NamedTuple):
    """Part of every day on the clock of an IANA zone; it may pass midnight.

    Attributes:
        first: minutes since local midnight at which it begins.
        end: the same at which it ends, exclusive; `DAY_MINUTES` for midnight.
        zone: such as ``Europe/London``.
    """

    first: int
    end: int
    zone: str

    def __str__(self) -> str:
        """The text that `parse_limit_time` reads as this span."""
        first, end = (f"{minute // 60:02d}:{minute % 60:02d}" for minute in (self.first, self.end))
        return f"{first} {self.zone}" if self.end == DAY_MINUTES else f"{first}-{end} {self.zone}"


class SessionBar(NamedTuple):
    """The rest of a session after so many of its bars."""

    bar: int

    def __str__(self) -> str:
        """The text that `parse_limit_time` reads as this bar."""
        return f"bar {self.bar}"


def parse_limit_time(text: str) -> DailySpan | SessionBar:
    """When a limit holds.

    Written as ``16:00 Europe/London``, until midnight there, as a span of every day
    (``16:55-17:05 America/New_York``), or as ``bar 240`` of each session.

    Raises:
        ValueError: it is not written so, there is no such zone, or the span is empty.
    """
    if match := _BAR.fullmatch(text.strip()):
        return SessionBar(int(match[1]))
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"{text!r}: write 16:00 Europe/London for the rest of each day there, "
            "16:55-17:05 America/New_York for a part of it, or bar 240 of each session"
        )
    time = LocalTime.parse(f"{match[1]}:{match[2]} {match[5]}")
    end = DAY_MINUTES if match[3] is None else 60 * int(match[3]) + int(match[4])
    if time.minute == end:
        raise ValueError(f"{text!r} ends when it begins: for all day write 00:00 {time.zone}")
    return DailySpan(time.minute, end, time.zone)


def limit_time_problem(text: str) -> str | None:
    """What is wrong with a limit's time; None if it can be read, or is empty for no limit."""
    try:
        if text:
            parse_limit_time(text)
    except ValueError as error:
        return str(error)
    return None


def daily_times_problem(text: str) -> str | None:
    """What is wrong with times of day; None if they can be read, or are empty for none."""
    try:
        if text:
            DailyTimes.parse(text)
    except ValueError as error:
        return str(error)
    return None


class DailyEvent(NamedTuple):
    """Something that happens at one local time on every business day.

    Attributes:
        name: of lower-case letters, digits and underscores; columns are named after it.
        time: when.
    """

    name: str
    time: LocalTime

    @classmethod
    def parse(cls, text: str) -> Self:
        """The event written as ``name HH:MM ZONE``.

        Raises:
            ValueError: it is not written so, or there is no such zone.
        """
        match = _EVENT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not an event: write tokyo_fix 09:55 Asia/Tokyo")
        return cls(match[1], LocalTime.parse(match[2]))


def is_local_time(text: str) -> bool:
    """Whether `LocalTime.parse` reads `text`."""
    try:
        LocalTime.parse(text)
    except ValueError:
        return False
    return True


def events_problem(texts: tuple[str, ...]) -> str | None:
    """What is wrong with these events; None if all can be read and their names differ."""
    try:
        names = [DailyEvent.parse(text).name for text in texts]
    except ValueError as error:
        return str(error)
    twice = {name for name in names if names.count(name) > 1}
    return f"two events are named {min(twice)}" if twice else None
