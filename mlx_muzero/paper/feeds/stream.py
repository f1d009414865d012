"""The pushed stream of one pair: listens, and reconnects on failure or silence."""

import asyncio

from mlx_muzero.paper.feeds.events import Stale
from mlx_muzero.paper.feeds.final_candle import FinalCandles
from mlx_muzero.paper.feeds.heartbeat import Heartbeat
from mlx_muzero.paper.feeds.pair import PairFeed
from mlx_muzero.paper.feeds.subscription import Subscription
from mlx_muzero.timeunits import SECOND_NS
from mlx_muzero.venues.hours import Hours
from mlx_muzero.venues.source import PushSource, Unavailable


class StreamFeed:
    """Passes what a venue pushes to its `PairFeed`.

    Args:
        feed: the pair's feed.
        source: the venue.
        hours: hours of the pair's market.
        shared: shared parts of the subscription.
    """

    def __init__(
        self, feed: PairFeed, source: PushSource, hours: Hours, shared: Subscription
    ) -> None:
        self._feed, self._source, self._hours, self._shared = feed, source, hours, shared
        self._pair = feed.sequence.pair
        self._connection = shared.connection(self._pair, "stream")

    async def run(self) -> None:
        """Listen forever."""
        while True:
            await self._shared.cooldown.wait()
            try:
                await self._listen()
            except Unavailable as failure:
                if isinstance(failure, _Silent):
                    await self._source.hang_up(self._pair)
                await self._connection.failed(failure)

    async def _listen(self) -> None:
        """Process messages until the connection fails or falls silent."""
        now_ns, settings = self._shared.venue.now_ns(), self._shared.settings
        heartbeat = Heartbeat(self._hours, settings.stream_silence_ns, now_ns)
        taking = asyncio.create_task(self._take(heartbeat))
        try:
            while not await self._ended(taking):
                now_ns = self._shared.venue.now_ns()
                if not self._shared.venue.in_doubt and heartbeat.missed(now_ns):
                    silent_ns = heartbeat.silent_ns(now_ns)
                    self._shared.outbox.put([Stale(self._pair, "stream", silent_ns, None)])
                    raise _Silent(f"connected, but silent for {silent_ns // SECOND_NS} s")
            taking.result()
        finally:
            taking.cancel()
            await asyncio.wait([taking])

    async def _take(self, heartbeat: Heartbeat) -> None:
        # Do nothing slow between two messages: ccxt drops one that nobody waits for.
        venue, final_candles = self._shared.venue, FinalCandles()
        async for candles in self._source.listen(self._pair):
            self._connection.works()
            heartbeat.beat(venue.now_ns())
            if venue.in_doubt:
                continue  # what is skipped here will be requested
            told = final_candles.take(candles, venue.now_ns() + venue.uncertainty_ns)
            self._feed.take(told, venue.lower_bound_ns())
        raise Unavailable("the venue ended the stream")

    async def _ended(self, taking: "asyncio.Task[None]") -> bool:
        """Whether the task ends before the next clock check."""
        tick = asyncio.create_task(_sleep(self._shared))
        try:
            await asyncio.wait([taking, tick], return_when=asyncio.FIRST_COMPLETED)
            if tick.done():
                tick.result()
        finally:
            tick.cancel()
        return taking.done()


class _Silent(Unavailable):
    """A connection that is up but brings nothing."""


async def _sleep(shared: Subscription) -> None:
    await shared.clock.sleep(shared.settings.tick_ns)
