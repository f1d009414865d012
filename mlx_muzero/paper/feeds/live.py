"""A feed of a real venue: every pair asked for, or listened to, side by side until it stops."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from mlx_muzero.errors import FeedError
from mlx_muzero.market.bars import MINUTE_NS
from mlx_muzero.paper.feeds.clock import Clock, SystemClock, wait_for
from mlx_muzero.paper.feeds.events import Event
from mlx_muzero.paper.feeds.gate import Gate
from mlx_muzero.paper.feeds.hours import HoursOf, hours_of
from mlx_muzero.paper.feeds.link import Link
from mlx_muzero.paper.feeds.outbox import Outbox
from mlx_muzero.paper.feeds.pair import PairFeed
from mlx_muzero.paper.feeds.sequence import BarSequence, FeedCounts
from mlx_muzero.paper.feeds.settings import FeedSettings
from mlx_muzero.paper.feeds.source import PushSource, Source
from mlx_muzero.paper.feeds.stream import StreamFeed
from mlx_muzero.paper.feeds.subscription import Subscription, Uniform
from mlx_muzero.paper.feeds.venue_clock import VenueClock


class LiveFeed:
    """Bars of a venue as `feeds.feed.Feed` wants them; one subscription at a time.

    Args:
        source: the venue; closed when the subscription ends.
        push: the same venue where it also sends bars by itself; None to only ask for them.
        settings: how patient to be.
        clock: this machine's clocks.
        uniform: random numbers in [0, 1) for the jitter of reconnects.
        hours: when a pair's market is open.
    """

    def __init__(
        self,
        source: Source,
        push: PushSource | None = None,
        settings: FeedSettings | None = None,
        clock: Clock | None = None,
        uniform: Uniform = random.random,
        hours: HoursOf = hours_of,
    ) -> None:
        self._source, self._push = source, push
        self._settings = settings or FeedSettings()
        self._clock = clock or SystemClock()
        self._uniform, self._hours = uniform, hours
        self._pairs: dict[str, PairFeed] = {}
        self._clock_doubted = asyncio.Event()

    def counts(self) -> dict[str, FeedCounts]:
        """What became of everything the venue sent, by pair."""
        return {pair: feed.sequence.counts for pair, feed in self._pairs.items()}

    @asynccontextmanager
    async def subscribe(
        self, first_open_ns: Mapping[str, int | None]
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """See `feeds.feed.Feed.subscribe`."""
        if not first_open_ns:
            raise FeedError("no pairs to subscribe to: name at least one")
        shared = Subscription(
            self._source,
            VenueClock(self._clock, self._settings.max_jump_ns),
            self._clock,
            Gate(self._clock),
            Outbox(),
            self._uniform,
            self._settings,
        )
        running = asyncio.create_task(self._run(dict(first_open_ns), shared))
        try:
            yield _until_failure(shared.outbox)
        finally:
            running.cancel()
            await asyncio.wait([running])
            await self._source.close()

    async def _run(self, first_open_ns: dict[str, int | None], shared: Subscription) -> None:
        """Everything at once; the first error of any part ends it and reaches the consumer."""
        clock_link = Link(next(iter(first_open_ns)), "clock", shared)
        try:
            await self._measure(clock_link, shared)
            this_minute_ns = shared.venue.now_ns() // MINUTE_NS * MINUTE_NS
            async with asyncio.TaskGroup() as group:
                for pair, first_ns in first_open_ns.items():
                    first_ns = this_minute_ns if first_ns is None else first_ns
                    self._start(pair, first_ns, group, shared)
                group.create_task(self._keep_measuring(clock_link, shared))
                group.create_task(self._watch(shared))
        except* Exception as errors:
            shared.outbox.fail(_first(errors))

    def _start(
        self, pair: str, first_ns: int, group: asyncio.TaskGroup, shared: Subscription
    ) -> None:
        hours, settings = self._hours(pair), self._settings
        sequence = BarSequence(pair, first_ns, hours, settings.remembered_bars)
        settle_ns = settings.settle_ns if self._push is None else settings.push_settle_ns
        feed = self._pairs[pair] = PairFeed(sequence, hours, settle_ns, shared)
        group.create_task(feed.run())
        if self._push is not None:
            group.create_task(StreamFeed(feed, self._push, hours, shared).run())

    async def _watch(self, shared: Subscription) -> None:
        """Look at clocks and silences, for ever."""
        while True:
            await self._clock.sleep(self._settings.tick_ns)
            if jump := shared.venue.local_jump():
                shared.outbox.put([jump])
                self._clock_doubted.set()
            for feed in self._pairs.values():
                feed.look()

    async def _keep_measuring(self, link: Link, shared: Subscription) -> None:
        while True:
            self._clock_doubted.clear()
            await wait_for(self._clock_doubted, self._settings.offset_interval_ns, self._clock)
            await self._measure(link, shared)
            for feed in self._pairs.values():
                feed.wake()

    async def _measure(self, link: Link, shared: Subscription) -> None:
        async def ask() -> list[Event]:
            return await shared.venue.measure(
                lambda: self._source.time(link.pair), self._settings.offset_samples
            )

        shared.outbox.put(await link.call(ask))


async def _until_failure(outbox: Outbox) -> AsyncIterator[Event]:
    while True:
        yield await outbox.get()


def _first(errors: BaseExceptionGroup[Exception]) -> Exception:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)
    return error
