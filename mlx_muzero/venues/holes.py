"""What an answer says of the minutes that it has no bar of: the one rule for holes.

A venue sends no bar of a minute without a trade, or none yet. Which of the two it was, a later bar
tells: one that opens later, be it not over, and the minute before it gets none any more. The last
minute that is over may just not be there yet, though.
"""

from dataclasses import dataclass

from mlx_muzero.timeunits import MINUTE_NS


def last_closed_ns(venue_ns: int) -> int:
    """Open of the last minute that is over when the venue's clock says `venue_ns`."""
    return venue_ns // MINUTE_NS * MINUTE_NS - MINUTE_NS


def settled_ns(newest_ns: int, venue_ns: int) -> int:
    """Before which open no minute gets a bar any more.

    Args:
        newest_ns: open of the newest bar that the venue has sent.
        venue_ns: a time that the venue's clock had passed when it was asked.
    """
    return min(newest_ns, last_closed_ns(venue_ns))


UNMEASURED_MINUTES = 100
"""What an answer without a bar is taken to cover before any has shown more: no venue gives less."""


@dataclass
class Reach:
    """How many minutes an answer covers, as answers show it.

    Attributes:
        asked_bars: what a request asks for.
        seen_minutes: the longest that an answer spanned from the bar it was asked from on.
    """

    asked_bars: int
    seen_minutes: int = 0

    @property
    def minutes(self) -> int:
        """What an answer without a bar covers: some venues count both ends."""
        return max(min(self.seen_minutes or UNMEASURED_MINUTES, self.asked_bars - 1), 1)

    def saw(self, start_ns: int, newest_ns: int) -> None:
        """An answer began at `start_ns` and went on to `newest_ns`, where the venue cut it off."""
        span = (newest_ns - start_ns) // MINUTE_NS + 1
        self.seen_minutes = max(self.seen_minutes, min(span, self.asked_bars))

    def next_ns(self, start_ns: int, newest_ns: int | None) -> int:
        """Where to go on after what was asked from `start_ns` on, whose newest bar is given."""
        if newest_ns is None:
            return start_ns + self.minutes * MINUTE_NS
        return newest_ns + MINUTE_NS
