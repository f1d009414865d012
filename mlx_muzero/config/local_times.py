"""Times of day as settings write them: ``09:55 Asia/Tokyo``, with a name before it for an event."""

import re
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mlx_muzero.timeunits import MINUTE_NS

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d) +(\S+)")
_EVENT = re.compile(r"([a-z][a-z0-9_]*) +(.+)")


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
