"""One pair of a live feed: asks for bars when they are due, and for what is missing.

A restart, an outage and a bar that is one second late are the same to `_catch_up`: it reads from
the next bar to be emitted to whatever the venue has by now. A page without bars says nothing of
what follows it, so a hole is searched page by page up to now; and as long as nothing is found
behind it, only its end is asked for again.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from mlx_muzero.paper.feeds.events import BarClosed, Event, Stale
from mlx_muzero.paper.feeds.heartbeat import Heartbeat
from mlx_muzero.paper.feeds.sequence import BarSequence
from mlx_muzero.paper.feeds.subscription import Subscription
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.candle import Candle
from mlx_muzero.venues.clock import wait_for
from mlx_muzero.venues.hours import Hours
from mlx_muzero.venues.source import Unavailable


class PairFeed:
    """Bars of one pair.

    Args:
        sequence: the pair's rules and counts.
        hours: of its market.
        settle_ns: after a bar's close before it is asked for.
        shared: what the subscription's parts share.
    """

    def __init__(
        self, sequence: BarSequence, hours: Hours, settle_ns: int, shared: Subscription
    ) -> None:
        self.sequence = sequence
        self._hours, self._settle_ns = hours, settle_ns
        self._source, self._outbox, self._settings = shared.source, shared.outbox, shared.settings
        self._venue, self._clock = shared.venue, shared.clock
        self._connection = shared.connection(sequence.pair, "requests")
        self._wake = asyncio.Event()
        stale_ns = shared.settings.stale_ns(sequence.pair, hours)
        self._heartbeat = Heartbeat(hours, stale_ns, shared.venue.now_ns())
        self._last_open_ns: int | None = None
        self._searched_ns = 0  # where the last page of a search for later bars began

    async def run(self) -> None:
        """Emit bars for ever."""
        await self._catch_up()
        retry_ns = self._settings.retry_ns
        while True:
            self._wake.clear()
            if not self.sequence.holds_back:
                await wait_for(self._wake, self._until_due(retry_ns), self._clock)
            if self.sequence.holds_back:
                # An older bar may be on its way still; if it is not, it is asked for.
                await self._clock.sleep(self._settings.reorder_ns)
            if self.sequence.holds_back or self._due_in() <= 0:
                before_ns = self.sequence.next_open_ns
                await self._catch_up()
                came = self.sequence.next_open_ns > before_ns
                retry_ns = self._settings.retry_ns if came else 2 * retry_ns

    def wake(self) -> None:
        """Look at the clock again: it is not what it was."""
        self._wake.set()

    def take(self, candles: Sequence[Candle], venue_ns: int) -> None:
        """Candles that came, in whatever way; made when the venue's clock had passed `venue_ns`."""
        arrival_ns = self._venue.now_ns()
        for candle in candles:
            self._emit(self.sequence.offer(candle, self._venue_ns(candle, venue_ns), arrival_ns))
        if self.sequence.holds_back:
            self._wake.set()

    def look(self) -> None:
        """Say so if no bar came for too long."""
        now_ns = self._venue.now_ns()
        if self._heartbeat.missed(now_ns):
            silent_ns = self._heartbeat.silent_ns(now_ns)
            self._emit([Stale(self.sequence.pair, "requests", silent_ns, self._last_open_ns)])

    async def _catch_up(self) -> None:
        """Ask for everything that is due until there is an answer."""
        while True:
            with suppress(Unavailable):
                return await self._read_due()
            # By now more may be due than was asked for.

    async def _read_due(self) -> None:
        """Ask for everything that is due, page by page, oldest first.

        Pages overlap by a minute: some venues count both ends.
        """
        sequence = self.sequence
        hole = sequence.holds_back or self._due_in() <= -MINUTE_NS
        if hole:
            bound_ns = self._venue.now_ns() - self._settings.max_backfill_bars * MINUTE_NS
            sequence.open_hole()
            self._emit(sequence.give_up(bound_ns // MINUTE_NS * MINUTE_NS))
        first_ns = sequence.next_open_ns - self._settings.lookback_bars * MINUTE_NS
        start_ns = max(first_ns, self._searched_ns)
        while True:
            candles, asked_ns = await self._ask(start_ns)
            self.take(candles, asked_ns)
            newest_ns = max(_believable(candles, start_ns, asked_ns), default=None)
            if newest_ns is not None and self._searched_ns > first_ns:
                # There are bars behind the hole: what it has by now is asked for once more.
                start_ns, self._searched_ns = first_ns, 0
                continue
            # A later bar, be it not over, is what says that a minute without one will not get any;
            # but the last minute's may just not be there yet.
            last_closed_ns = asked_ns // MINUTE_NS * MINUTE_NS - MINUTE_NS
            if hole and newest_ns is not None:
                self._emit(sequence.give_up(min(newest_ns, last_closed_ns)))
            await self._outbox.room()
            page_end_ns = start_ns + (self._source.page_bars - 1) * MINUTE_NS
            next_ns = page_end_ns if newest_ns is None else newest_ns + MINUTE_NS
            if not hole or next_ns > last_closed_ns:
                break
            start_ns = next_ns
        self._searched_ns = start_ns if newest_ns is None else 0
        if hole:
            self._emit(sequence.close_hole())

    async def _ask(self, start_ns: int) -> tuple[Sequence[Candle], int]:
        """A page that can be judged: the venue's time was certain all the while."""
        while True:
            await self._venue.certain()
            page = await self._connection.attempt(partial(self._fetch, start_ns))
            if not self._venue.in_doubt:
                return page

    async def _fetch(self, start_ns: int) -> tuple[Sequence[Candle], int]:
        """A page, and a time the venue's clock had passed when the request that got it began."""
        # An answer may come after a minute's end with the minute as it was before.
        asked_ns = self._venue.surely_ns()
        return await self._source.fetch(self.sequence.pair, start_ns), asked_ns

    def _due_in(self) -> int:
        """Time until the next bar may be asked for; by how much it is late, if negative."""
        return self.sequence.next_open_ns + MINUTE_NS + self._settle() - self._venue.now_ns()

    def _until_due(self, retry_ns: int) -> int:
        """How long to wait before the next request; never long, as the machine may sleep."""
        due_in = self._due_in()
        if due_in > 0:
            return min(due_in, MINUTE_NS)
        now_ns = self._venue.now_ns()
        next_due_in = MINUTE_NS - (now_ns - self._settle()) % MINUTE_NS
        if self._hours.next_open_ns(now_ns) > now_ns:
            return next_due_in  # closed: but no calendar knows every broker's holidays
        return min(retry_ns, self._settings.max_retry_ns, next_due_in)

    def _settle(self) -> int:
        return max(self._settle_ns, 2 * self._venue.uncertainty_ns)

    def _venue_ns(self, candle: Candle, venue_ns: int) -> int:
        # A venue's own word that the minute is over outweighs the doubt about its clock.
        return self._venue.now_ns() + self._venue.uncertainty_ns if candle.complete else venue_ns

    def _emit(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, BarClosed):
                self._heartbeat.beat(self._venue.now_ns())
                self._last_open_ns = event.bar.open_time_ns
        self._outbox.put(events)


def _believable(candles: Sequence[Candle], start_ns: int, venue_ns: int) -> list[int]:
    times = (c.open_time_ns for c in candles if not c.fault())
    return [t for t in times if t is not None and start_ns <= t <= venue_ns + MINUTE_NS]
