"""The rules that make one pair's bars of what a venue sends: closed, possible, once, in order.

    offer()       a candle came: emit it, hold it for an older one, or say why not
    open_hole()   the venue is being asked for what is missing; bars already held wait for it
    give_up()     the venue has answered up to here: what is still missing has no bar
    close_hole()  it has answered: say how much was there, let the bars held go

Nothing here waits, asks or looks at a clock: `feeds.pair` does.
"""

import math
from collections import Counter
from dataclasses import dataclass, field

from mlx_muzero.paper.feeds.events import (
    BarClosed,
    BarRejected,
    BarRevised,
    Event,
    GapFilled,
    LiveBar,
)
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.candle import Candle
from mlx_muzero.venues.hours import Hours


@dataclass
class FeedCounts:
    """What became of everything one pair's venue sent.

    Attributes:
        bars: emitted.
        duplicates: sent again unchanged, and dropped.
        revisions: sent again and different.
        too_old: further back than is remembered, and dropped.
        rejected: impossible bars by reason, each once however often it is sent.
    """

    bars: int = 0
    duplicates: int = 0
    revisions: int = 0
    too_old: int = 0
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass
class _Hole:
    start_ns: int
    end_ns: int | None  # open of the first bar held when the hole was opened
    filled: int = 0


class BarSequence:
    """Bars of one pair, from `first_open_ns` on.

    Args:
        pair: its name.
        first_open_ns: open of the first bar to emit; earlier ones are ignored.
        hours: in which of the missing minutes a bar was to be expected.
        remembered_bars: how many emitted bars can still be revised.
    """

    def __init__(self, pair: str, first_open_ns: int, hours: Hours, remembered_bars: int) -> None:
        self.pair = pair
        self.counts = FeedCounts()
        self._hours = hours
        self._first_ns = self._next_ns = -(-first_open_ns // MINUTE_NS) * MINUTE_NS
        self._remembered_bars = remembered_bars
        self._emitted: dict[int, LiveBar] = {}
        self._held: dict[int, LiveBar] = {}
        self._rejected: dict[tuple[int | None, str], None] = {}
        self._hole: _Hole | None = None

    @property
    def next_open_ns(self) -> int:
        """Open of the bar to be emitted next."""
        return self._next_ns

    @property
    def holds_back(self) -> bool:
        """Whether bars are held that an older one has to come before."""
        return bool(self._held)

    def offer(self, candle: Candle, venue_ns: int, arrival_ns: int) -> list[Event]:
        """Take one candle.

        Args:
            candle: as the venue sent it.
            venue_ns: the latest time the venue's clock had surely reached when it made the candle.
            arrival_ns: this machine's wall clock.

        Returns:
            What that makes known, in order; nothing for a minute that is not over.
        """
        reason, time_ns = candle.fault(), candle.open_time_ns
        if reason is None and time_ns is not None and time_ns > venue_ns + MINUTE_NS:
            reason = "its minute has not started"
        if reason is not None or time_ns is None:
            return self._reject(time_ns, reason or "")
        if candle.complete is False or time_ns + MINUTE_NS > venue_ns:
            return []
        bar = LiveBar.of(candle, self.pair, time_ns, arrival_ns)
        if time_ns < self._next_ns:
            return self._late(bar)
        # Not emitted yet, so the venue's last word counts.
        self._held[time_ns] = bar
        return self._release()

    def open_hole(self) -> None:
        """From here on, hold the bars that are held now until `close_hole`.

        A hole that is open already goes on.
        """
        if self._hole is None:
            self._hole = _Hole(self._next_ns, min(self._held, default=None))

    def give_up(self, before_ns: int) -> list[Event]:
        """Emit what is held of the minutes before `before_ns`; the others have no bar.

        Inside a hole, minutes after it are left alone.
        """
        if self._hole and self._hole.end_ns is not None:
            before_ns = min(before_ns, self._hole.end_ns)
        events: list[Event] = []
        for time_ns in sorted(time_ns for time_ns in self._held if time_ns < before_ns):
            events.append(self._emit(time_ns))
        self._next_ns = max(self._next_ns, before_ns)
        return events + self._release()

    def close_hole(self) -> list[Event]:
        """Say what the hole opened last turned out to be, then let the bars after it go."""
        hole = self._hole
        if hole is None:
            return []
        events = [] if hole.end_ns is None else self.give_up(hole.end_ns)
        self._hole = None
        missing = self._hours.open_ns(hole.start_ns, self._next_ns) // MINUTE_NS - hole.filled
        if hole.filled or missing > 0:
            gap = GapFilled(self.pair, hole.start_ns, self._next_ns, hole.filled, max(missing, 0))
            events.append(gap)
        return events + self._release()

    def _release(self) -> list[Event]:
        end_ns = self._hole.end_ns if self._hole else None
        events: list[Event] = []
        while self._next_ns in self._held and (end_ns is None or self._next_ns < end_ns):
            events.append(self._emit(self._next_ns))
        return events

    def _emit(self, time_ns: int) -> BarClosed:
        bar = self._held.pop(time_ns)
        self._next_ns = time_ns + MINUTE_NS
        self._remember(bar)
        self.counts.bars += 1
        if self._hole:
            self._hole.filled += 1
        return BarClosed(bar)

    def _late(self, bar: LiveBar) -> list[Event]:
        """A bar of a minute that has been emitted or given up."""
        if bar.open_time_ns < self._first_ns:
            return []
        previous = self._emitted.get(bar.open_time_ns)
        if previous is None and self._forgotten(bar.open_time_ns):
            self.counts.too_old += 1
            return []
        if previous is not None and _same(previous, bar):
            self.counts.duplicates += 1
            return []
        self._remember(bar)
        self.counts.revisions += 1
        return [BarRevised(bar, previous)]

    def _remember(self, bar: LiveBar) -> None:
        self._emitted[bar.open_time_ns] = bar
        if len(self._emitted) > self._remembered_bars:
            del self._emitted[min(self._emitted)]

    def _forgotten(self, time_ns: int) -> bool:
        full = len(self._emitted) == self._remembered_bars
        return full and time_ns < min(self._emitted)

    def _reject(self, time_ns: int | None, reason: str) -> list[Event]:
        # Every request reads some bars again; a bad one among them is one bad bar.
        known = (time_ns, reason)
        if known in self._rejected:
            return []
        self._rejected[known] = None
        if len(self._rejected) > self._remembered_bars:
            del self._rejected[next(iter(self._rejected))]
        self.counts.rejected[reason] += 1
        return [BarRejected(self.pair, time_ns, reason)]


def _same(one: LiveBar, other: LiveBar) -> bool:
    """Whether prices and volume agree; an unknown volume agrees with another."""
    pairs = zip(one.values, other.values, strict=True)
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in pairs)
