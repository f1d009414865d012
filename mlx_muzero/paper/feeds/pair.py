"""One pair of a live feed: requests bars when they are due, and bars that are missing.

A restart, an outage and a bar one second late are all handled by `_catch_up`: it reads from the
next bar to emit up to the venue's latest. What is longer than a page is read by the pager of
downloads, which measures how the venue answers. A page without bars says nothing about what
follows, so a hole is searched page by page up to now; while nothing is found behind it, only its
end is requested again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

import numpy as np

from mlx_muzero.paper.feeds.events import BarClosed, Event, Stale
from mlx_muzero.paper.feeds.heartbeat import Heartbeat
from mlx_muzero.paper.feeds.sequence import BarSequence
from mlx_muzero.paper.feeds.series_age import SeriesAge
from mlx_muzero.paper.feeds.subscription import Subscription
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.candle import Candle
from mlx_muzero.venues.clock import wait_for
from mlx_muzero.venues.holes import Reach, last_closed_ns, settled_ns
from mlx_muzero.venues.hours import Hours
from mlx_muzero.venues.page import UNREAD_NS, Page
from mlx_muzero.venues.pager import Pager
from mlx_muzero.venues.source import Unavailable

_SMALLER_PAGES = (300, 100)
"""Numbers of bars to ask for where the venue refuses more."""


class PairFeed:
    """Bars of one pair.

    Args:
        sequence: the pair's rules and counts.
        hours: hours of its market.
        settle_ns: wait after a bar's close before it is requested.
        shared: shared parts of the subscription.
        carried: ages of the series that come with the bars, by name.
    """

    def __init__(
        self,
        sequence: BarSequence,
        hours: Hours,
        settle_ns: int,
        shared: Subscription,
        carried: Mapping[str, SeriesAge] | None = None,
    ) -> None:
        self.sequence = sequence
        self._hours, self._settle_ns = hours, settle_ns
        self._source, self._outbox, self._settings = shared.source, shared.outbox, shared.settings
        self._venue, self._clock = shared.venue, shared.clock
        self._connection = shared.connection(sequence.pair, "requests")
        self._wake, self._carried = asyncio.Event(), dict(carried or {})
        self._caught_up = False
        stale_ns = shared.settings.stale_ns(sequence.pair, hours)
        self._heartbeat = Heartbeat(hours, stale_ns, shared.venue.now_ns())
        self._last_open_ns: int | None = None
        self._reach = Reach(shared.source.page_bars, shared.source.page_bars)  # as it says
        self._searched_ns = 0  # where the last page of a search for later bars began
        page_bars = shared.source.page_bars
        sizes = [page_bars, *(size for size in _SMALLER_PAGES if size < page_bars)]
        self._pager = Pager(self._page, sizes, ahead=0)

    async def run(self) -> None:
        """Emit bars forever."""
        await self._catch_up()
        self._caught_up = True
        retry_ns = self._settings.retry_ns
        while True:
            self._wake.clear()
            if not self.sequence.holds_back:
                await wait_for(self._wake, self._until_due(retry_ns), self._clock)
            if self.sequence.holds_back:
                # An older bar may still be on its way; if not, it is requested.
                await self._clock.sleep(self._settings.reorder_ns)
            if self.sequence.holds_back or self._due_in() <= 0:
                before_ns = self.sequence.next_open_ns
                await self._catch_up()
                came = self.sequence.next_open_ns > before_ns
                retry_ns = self._settings.retry_ns if came else 2 * retry_ns

    def wake(self) -> None:
        """Recheck the clock, which has changed."""
        self._wake.set()

    def take(self, candles: Sequence[Candle], venue_ns: int) -> None:
        """Take candles from any channel, made when the venue's clock had passed `venue_ns`."""
        arrival_ns = self._venue.now_ns()
        for candle in candles:
            self._emit(self.sequence.offer(candle, self._venue_ns(candle, venue_ns), arrival_ns))
        if self.sequence.holds_back:
            self._wake.set()

    def look(self) -> None:
        """Report when no bar, or nothing of what they should carry, has arrived for too long."""
        for age in self._carried.values() if self._caught_up else ():
            age.look()
        now_ns = self._venue.now_ns()
        if self._heartbeat.missed(now_ns):
            silent_ns = self._heartbeat.silent_ns(now_ns)
            self._emit([Stale(self.sequence.pair, "requests", silent_ns, self._last_open_ns)])

    async def _catch_up(self) -> None:
        """Request everything that is due until there is an answer."""
        while True:
            with suppress(Unavailable):
                return await self._read_due()
            # By now more may be due than was requested.

    async def _read_due(self) -> None:
        """Request everything that is due, page by page, oldest first.

        Pages overlap by a minute because some venues count both ends.
        """
        sequence = self.sequence
        hole = sequence.holds_back or self._due_in() <= -MINUTE_NS
        if hole:
            bound_ns = self._venue.now_ns() - self._settings.max_backfill_bars * MINUTE_NS
            sequence.open_hole()
            self._emit(sequence.give_up(bound_ns // MINUTE_NS * MINUTE_NS))
            await self._page_through()
        first_ns = self._first_ns()
        start_ns = max(first_ns, self._searched_ns)
        while True:
            candles, asked_ns = await self._ask(start_ns)
            self.take(candles, asked_ns)
            newest_ns = max(_believable(candles, start_ns, asked_ns), default=None)
            if newest_ns is not None and self._searched_ns > first_ns:
                # There are bars behind the hole: request once more what the venue has in it by now.
                start_ns, self._searched_ns = first_ns, 0
                continue
            closed_ns = last_closed_ns(asked_ns)
            if hole and newest_ns is not None:
                self._emit(sequence.give_up(settled_ns(newest_ns, asked_ns)))
            await self._outbox.room()
            next_ns = self._reach.next_ns(start_ns, newest_ns)
            if not hole or next_ns > closed_ns:
                break
            start_ns = next_ns
        self._searched_ns = start_ns if newest_ns is None else 0
        if hole:
            self._emit(sequence.close_hole())

    def _first_ns(self) -> int:
        """The first minute to request, a few before the next one due, to notice corrections."""
        return self.sequence.next_open_ns - self._settings.lookback_bars * MINUTE_NS

    async def _page_through(self) -> None:
        """Request a hole that is longer than a page, all but its end."""
        sequence, page_ns = self.sequence, self._source.page_bars * MINUTE_NS
        await self._venue.wait_until_certain()
        start_ns = max(self._first_ns(), self._searched_ns)
        end_ns = last_closed_ns(self._venue.lower_bound_ns())
        if end_ns - start_ns < page_ns:
            return
        self._pager.latest_ns = end_ns + 2 * MINUTE_NS
        async for stretch in self._pager.walk(start_ns, end_ns):
            if stretch.page is None:
                # There may be bars behind it, up to now.
                self._searched_ns = max(self._searched_ns, stretch.end_ns - page_ns)
                continue
            self._searched_ns = 0
            self._emit(sequence.give_up(settled_ns(stretch.end_ns - MINUTE_NS, end_ns)))
            await self._outbox.room()

    async def _page(self, start_ns: int | None, bars: int, end_ns: int | None) -> Page:
        """Take the answer to one of the pager's requests; return only the times of its bars."""
        if start_ns is None:
            raise ValueError("a hole begins somewhere")
        candles, asked_ns = await self._ask(start_ns, bars, end_ns)
        self.take(candles, asked_ns)
        times = [UNREAD_NS if c.open_time_ns is None else c.open_time_ns for c in candles]
        return Page.of(np.array(times, np.int64), {})

    async def _ask(
        self, start_ns: int, bars: int | None = None, end_ns: int | None = None
    ) -> tuple[Sequence[Candle], int]:
        """Request a page until the venue's time was certain throughout the request."""
        while True:
            await self._venue.wait_until_certain()
            page = await self._connection.attempt(partial(self._fetch, start_ns, bars, end_ns))
            if not self._venue.in_doubt:
                return page

    async def _fetch(
        self, start_ns: int, bars: int | None, end_ns: int | None
    ) -> tuple[Sequence[Candle], int]:
        """A page, and a time the venue's clock had passed when the request was sent."""
        # An answer may arrive after a minute's end with the minute in an earlier state.
        asked_ns = self._venue.lower_bound_ns()
        pair = self.sequence.pair
        candles = await self._source.fetch(pair, start_ns, bars, end_ns)
        ends_ns = _unproven_end_ns(candles, start_ns, asked_ns)
        if ends_ns is None or await self._venue.has_passed(
            ends_ns, partial(self._source.time, pair)
        ):
            return candles, asked_ns
        return candles, ends_ns - 1

    def _due_in(self) -> int:
        """Time until the next bar may be requested; negative if it is late."""
        return self.sequence.next_open_ns + MINUTE_NS + self._settle() - self._venue.now_ns()

    def _until_due(self, retry_ns: int) -> int:
        """How long to wait before the next request; always short, as the machine may sleep."""
        due_in = self._due_in()
        if due_in > 0:
            return min(due_in, MINUTE_NS)
        now_ns = self._venue.now_ns()
        next_due_in = MINUTE_NS - (now_ns - self._settle()) % MINUTE_NS
        if self._hours.next_open_ns(now_ns) > now_ns:
            return next_due_in  # closed, but no calendar covers every broker's holidays
        return min(retry_ns, self._settings.max_retry_ns, next_due_in)

    def _settle(self) -> int:
        return max(self._settle_ns, 2 * self._venue.uncertainty_ns)

    def _venue_ns(self, candle: Candle, venue_ns: int) -> int:
        # The venue's own statement that a minute is over outweighs doubts about its clock.
        return self._venue.now_ns() + self._venue.uncertainty_ns if candle.complete else venue_ns

    def _emit(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, BarClosed):
                self._heartbeat.beat(self._venue.now_ns())
                self._last_open_ns = event.bar.open_time_ns
                for name in event.bar.carried.keys() & self._carried.keys():
                    self._carried[name].saw(event.bar.open_time_ns, event.bar.close_time_ns)
        self._outbox.put(events)


def _unproven_end_ns(candles: Sequence[Candle], start_ns: int, asked_ns: int) -> int | None:
    """End of the newest minute of an answer, if only the estimate of the clock says it is over.

    The minutes before it are over, and it is if the venue says so.
    """
    open_ns = max(_believable(candles, start_ns, asked_ns), default=None)
    if open_ns is None or open_ns + MINUTE_NS > asked_ns:
        return None
    told = any(c.complete is not None for c in candles if c.open_time_ns == open_ns)
    return None if told else open_ns + MINUTE_NS


def _believable(candles: Sequence[Candle], start_ns: int, venue_ns: int) -> list[int]:
    times = (c.open_time_ns for c in candles if not c.fault())
    return [t for t in times if t is not None and start_ns <= t <= venue_ns + MINUTE_NS]
