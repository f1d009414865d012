"""What an answer implies about minutes without a bar: the single rule for holes.

A venue sends no bar for a minute without a trade, or has not sent it yet. A later bar settles
which: once a bar that opens later is there, even unfinished, the minutes before it will not get
one. The last minute that is over, however, may just not be there yet.
"""

from dataclasses import dataclass

from mlx_muzero.timeunits import MINUTE_NS


def last_closed_ns(venue_ns: int) -> int:
    """Open of the last minute that is over when the venue's clock shows `venue_ns`."""
    return venue_ns // MINUTE_NS * MINUTE_NS - MINUTE_NS


def settled_ns(newest_ns: int, venue_ns: int) -> int:
    """Time before which minutes that open will not get a bar any more.

    Args:
        newest_ns: open of the newest bar that the venue has sent.
        venue_ns: a time that the venue's clock had passed when the request was sent.
    """
    return min(newest_ns, last_closed_ns(venue_ns))


UNMEASURED_MINUTES = 100
"""Minutes an empty answer covers unless answers have shown more: no venue covers fewer."""


@dataclass
class Reach:
    """How many minutes an answer covers, learned from answers.

    Attributes:
        asked_bars: number of bars a request asks for.
        seen_minutes: longest span of an answer so far, from the start of its request.
    """

    asked_bars: int
    seen_minutes: int = 0

    @property
    def minutes(self) -> int:
        """Minutes that an empty answer covers, allowing for venues that count both ends."""
        return max(min(max(self.seen_minutes, UNMEASURED_MINUTES), self.asked_bars - 1), 1)

    def saw(self, start_ns: int, newest_ns: int) -> None:
        """Record an answer from `start_ns` to `newest_ns`, where the venue cut it off."""
        span = (newest_ns - start_ns) // MINUTE_NS + 1
        self.seen_minutes = max(self.seen_minutes, min(span, self.asked_bars))

    def next_ns(self, start_ns: int, newest_ns: int | None) -> int:
        """Where to continue after a request from `start_ns` that brought bars up to `newest_ns`."""
        if newest_ns is None:
            return start_ns + self.minutes * MINUTE_NS
        return newest_ns + MINUTE_NS
