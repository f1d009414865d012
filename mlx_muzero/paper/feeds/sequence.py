"""The rules that turn what a venue sends into one pair's bars: closed, possible, once, in order.

    offer()       take a candle: emit it, hold it for an older one, or reject it with a reason
    open_hole()   the venue is being asked for missing bars; bars already held wait for them
    give_up()     the venue has answered up to here: minutes still missing have no bar
    close_hole()  the venue has answered: report how much it had, release the held bars

Nothing here waits, sends requests or reads a clock: `feeds.pair` does.
"""

import math
from collections import Counter
from collections.abc import Sequence
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
    """Counts of what became of everything the venue sent for one pair.

    Attributes:
        bars: emitted.
        duplicates: sent again unchanged, and dropped.
        revisions: sent again with changes.
        too_old: older than the remembered bars, and dropped.
        rejected: impossible bars by reason, each counted once however often it is sent.
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
        hours: decides in which minutes a bar is expected.
        remembered_bars: how many emitted bars can still be revised.
        known: bars before that were emitted earlier and can still be revised, oldest first.
    """

    def __init__(
        self,
        pair: str,
        first_open_ns: int,
        hours: Hours,
        remembered_bars: int,
        known: Sequence[LiveBar] = (),
    ) -> None:
        self.pair = pair
        self.counts = FeedCounts()
        self._hours = hours
        self._first_ns = self._next_ns = -(-first_open_ns // MINUTE_NS) * MINUTE_NS
        self._remembered_bars = remembered_bars
        self._emitted: dict[int, LiveBar] = {}
        self._held: dict[int, LiveBar] = {}
        self._rejected: dict[tuple[int | None, str], None] = {}
        self._hole: _Hole | None = None
        for bar in known:
            self._remember(bar)
            self._first_ns = min(self._first_ns, bar.open_time_ns)

    @property
    def next_open_ns(self) -> int:
        """Open of the next bar to emit."""
        return self._next_ns

    @property
    def holds_back(self) -> bool:
        """Whether bars are held back until an older one arrives."""
        return bool(self._held)

    def offer(self, candle: Candle, venue_ns: int, arrival_ns: int) -> list[Event]:
        """Take one candle.

        Args:
            candle: as the venue sent it.
            venue_ns: latest time that the venue's clock had certainly reached when it made it.
            arrival_ns: this machine's wall clock.

        Returns:
            The resulting events, in order; empty if the minute is not over.
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
        # Not emitted yet, so the venue's latest version counts.
        self._held[time_ns] = bar
        return self._release()

    def open_hole(self) -> None:
        """Hold the bars held now until `close_hole`.

        Does nothing if a hole is already open.
        """
        if self._hole is None:
            self._hole = _Hole(self._next_ns, min(self._held, default=None))

    def give_up(self, before_ns: int) -> list[Event]:
        """Emit the held bars before `before_ns`; other minutes before it have no bar.

        Inside a hole, minutes after the hole are not touched.
        """
        if self._hole and self._hole.end_ns is not None:
            before_ns = min(before_ns, self._hole.end_ns)
        events: list[Event] = []
        for time_ns in sorted(time_ns for time_ns in self._held if time_ns < before_ns):
            events.append(self._emit(time_ns))
        self._next_ns = max(self._next_ns, before_ns)
        return events + self._release()

    def close_hole(self) -> list[Event]:
        """Report what became of the open hole, then release the bars after it."""
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
        """Handle a bar of a minute that was already emitted or given up."""
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
        # Every request rereads some bars, so count a bad one among them only once.
        known = (time_ns, reason)
        if known in self._rejected:
            return []
        self._rejected[known] = None
        if len(self._rejected) > self._remembered_bars:
            del self._rejected[next(iter(self._rejected))]
        self.counts.rejected[reason] += 1
        return [BarRejected(self.pair, time_ns, reason)]


def _same(one: LiveBar, other: LiveBar) -> bool:
    """Whether prices and volume agree; two unknown volumes agree."""
    pairs = zip(one.values, other.values, strict=True)
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in pairs)
