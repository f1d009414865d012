"""The pushed stream of one pair: listened to, and begun anew when it fails or falls silent."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from mlx_muzero.paper.feeds.candle import Candle
from mlx_muzero.paper.feeds.events import SECOND_NS, Stale
from mlx_muzero.paper.feeds.heartbeat import Heartbeat
from mlx_muzero.paper.feeds.hours import Hours
from mlx_muzero.paper.feeds.link import Link
from mlx_muzero.paper.feeds.pair import PairFeed
from mlx_muzero.paper.feeds.source import PushSource, Unavailable
from mlx_muzero.paper.feeds.subscription import Subscription


class StreamFeed:
    """Brings what a venue pushes to its `PairFeed`.

    Args:
        feed: the pair's.
        source: the venue.
        hours: of the pair's market.
        shared: what the subscription's parts share.
    """

    def __init__(
        self, feed: PairFeed, source: PushSource, hours: Hours, shared: Subscription
    ) -> None:
        self._feed, self._source, self._hours, self._shared = feed, source, hours, shared
        self._pair = feed.sequence.pair
        self._link = Link(self._pair, "stream", shared)

    async def run(self) -> None:
        """Listen for ever."""
        while True:
            await self._shared.gate.wait()
            try:
                await self._listen()
            except Unavailable as failure:
                await self._link.failed(failure)

    async def _listen(self) -> None:
        limit_ns = self._shared.settings.stream_silence_ns
        heartbeat = Heartbeat(self._hours, limit_ns, self._shared.venue.now_ns())
        messages = aiter(self._source.listen(self._pair))
        while True:
            coming = asyncio.create_task(_next(messages))
            try:
                while not await self._came(coming):
                    now_ns = self._shared.venue.now_ns()
                    if heartbeat.missed(now_ns):
                        silent_ns = heartbeat.silent_ns(now_ns)
                        self._shared.outbox.put([Stale(self._pair, "stream", silent_ns, None)])
                        raise Unavailable(f"connected, but silent for {silent_ns // SECOND_NS} s")
                candles = coming.result()
            finally:
                if not coming.done():
                    coming.cancel()
                    await asyncio.wait([coming])
            heartbeat.beat(self._shared.venue.now_ns())
            self._link.works()
            self._feed.take(candles, self._shared.venue.surely_ns())

    async def _came(self, coming: "asyncio.Task[Sequence[Candle]]") -> bool:
        """Whether the next message comes before the next look at the clock."""
        tick: asyncio.Task[None] = asyncio.create_task(
            self._shared.clock.sleep(self._shared.settings.tick_ns)
        )
        try:
            await asyncio.wait({coming, tick}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tick.cancel()
        return coming.done()


async def _next(messages: AsyncIterator[Sequence[Candle]]) -> Sequence[Candle]:
    try:
        return await anext(messages)
    except StopAsyncIteration:
        raise Unavailable("the venue ended the stream") from None
