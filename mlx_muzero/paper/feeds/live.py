"""Feeds of real venues: every pair is polled or streamed concurrently until the feed stops."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from mlx_muzero.errors import FeedError, MuZeroError
from mlx_muzero.market.observation.context import reach_ns
from mlx_muzero.market.series import BOOK_IMBALANCE, FUNDING_ANNOUNCED, FUNDING_RATE, OF_BARS
from mlx_muzero.paper.feeds.announced_funding import AnnouncedFundingFeed
from mlx_muzero.paper.feeds.book import BookFeed
from mlx_muzero.paper.feeds.events import Event, PairLost
from mlx_muzero.paper.feeds.feed import After, FirstBar
from mlx_muzero.paper.feeds.macro import MacroFeed, ReadMacro
from mlx_muzero.paper.feeds.outbox import Outbox
from mlx_muzero.paper.feeds.pair import PairFeed
from mlx_muzero.paper.feeds.pushed_bars import PushedBars
from mlx_muzero.paper.feeds.sequence import BarSequence, FeedCounts
from mlx_muzero.paper.feeds.series import SeriesFeed
from mlx_muzero.paper.feeds.series_age import SeriesAge
from mlx_muzero.paper.feeds.settings import FeedSettings
from mlx_muzero.paper.feeds.stream import Line, StreamFeed
from mlx_muzero.paper.feeds.subscription import Subscription
from mlx_muzero.processes.supervision import Supervisor
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.candle import Candle
from mlx_muzero.venues.clock import Clock, SystemClock, wait_for
from mlx_muzero.venues.connection import Connection, Uniform
from mlx_muzero.venues.cooldown import Cooldown
from mlx_muzero.venues.hours import Hours, HoursOf, hours_of
from mlx_muzero.venues.source import (
    AnnouncingSource,
    BookSource,
    PairGone,
    PushSource,
    SeriesSource,
    Source,
)
from mlx_muzero.venues.venue_clock import VenueClock

BesideFeed: TypeAlias = SeriesFeed | AnnouncedFundingFeed
"""A feed that asks for a series of a pair, beside its bars."""


class LiveFeed:
    """Bars of a venue as a `feeds.feed.Feed`; one subscription at a time.

    Args:
        source: the venue; closed when the subscription ends.
        push: the same venue, if it also pushes bars; None to only poll.
        settings: waits and limits.
        clock: this machine's clocks.
        uniform: random numbers in [0, 1) for the jitter of reconnects.
        hours: when a pair's market is open.
        series: the same venue, if it has series in addition to bars.
        books: the same venue, if it shows its order books.
        announcing: the same venue, if it announces funding rates.
        wanted: names of the series wanted of each pair, which the venue has.
        macro: names of the macro series wanted.
        read_macro: reads them.

    Attributes:
        wanted: as given.
    """

    def __init__(
        self,
        source: Source,
        push: PushSource | None = None,
        settings: FeedSettings | None = None,
        clock: Clock | None = None,
        uniform: Uniform = random.random,
        hours: HoursOf = hours_of,
        series: SeriesSource | None = None,
        books: BookSource | None = None,
        announcing: AnnouncingSource | None = None,
        wanted: Mapping[str, Sequence[str]] | None = None,
        macro: tuple[str, ...] = (),
        read_macro: ReadMacro = dict,
    ) -> None:
        self._source, self._push = source, push
        self._settings = settings or FeedSettings()
        self._clock = clock or SystemClock()
        self._uniform, self._hours = uniform, hours
        self._venue = VenueClock(self._clock, self._settings.max_jump_ns)
        self._series, self._books, self._announcing = series, books, announcing
        self.wanted = dict(wanted or {})
        self._macro, self._read_macro = macro, read_macro
        self._pairs: dict[str, PairFeed] = {}
        self._looked_at: dict[str, list[PairFeed | BesideFeed | BookFeed]] = {}
        self._living: dict[str, list[asyncio.Task[None]]] = {}  # tasks of each pair
        self._clock_doubted = asyncio.Event()

    def now_ns(self) -> int:
        """The venue's time, as accurately as it is known."""
        return self._venue.now_ns()

    def counts(self) -> dict[str, FeedCounts]:
        """What became of everything the venue sent, by pair."""
        return {pair: feed.sequence.counts for pair, feed in self._pairs.items()}

    def released(self) -> tuple[str, ...]:
        """Names of the wanted macro series that can be read now and have a figure."""
        try:
            found = self._read_macro() if self._macro else {}
        except MuZeroError:
            return ()
        return tuple(name for name, series in found.items() if len(series))

    @asynccontextmanager
    async def subscribe(
        self, first_open_ns: Mapping[str, FirstBar]
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """See `feeds.feed.Feed.subscribe`."""
        if not first_open_ns:
            raise FeedError("no pairs to subscribe to: name at least one")
        outbox = Outbox()
        shared = Subscription(
            self._source,
            self._venue,
            self._clock,
            Cooldown(self._clock),
            outbox,
            self._uniform,
            self._settings,
        )

        supervisor = Supervisor(lambda fault: outbox.fail(fault.error))
        self._living = {pair: [] for pair in first_open_ns}
        supervisor.task("feed", self._run(first_open_ns, shared, supervisor))
        try:
            yield _until_failure(outbox)
        finally:
            await supervisor.end()
            await self._source.close()

    async def _run(
        self, first: Mapping[str, FirstBar], shared: Subscription, supervisor: Supervisor
    ) -> None:
        """Learn the venue's time, then start all tasks."""
        connection = shared.connection(next(iter(first)), "clock")
        await self._measure(connection, shared, supervisor)
        if self._macro:
            macro = MacroFeed(self._macro, self._read_macro, shared)
            supervisor.task("macro", macro.run())
            await macro.began.wait()
        this_minute_ns = shared.venue.now_ns() // MINUTE_NS * MINUTE_NS
        for pair in list(self._living):
            self._start(pair, first[pair], this_minute_ns, shared, supervisor)
        supervisor.task("clock", self._keep_measuring(connection, shared, supervisor))
        supervisor.task("watch", self._watch(shared))

    def _start(
        self,
        pair: str,
        first: FirstBar,
        this_minute_ns: int,
        shared: Subscription,
        supervisor: Supervisor,
    ) -> None:
        hours, settings = self._hours(pair), self._settings
        known = first.known if isinstance(first, After) else ()
        first_ns = _open_ns(first, this_minute_ns)
        sequence = BarSequence(pair, first_ns, hours, settings.remembered_bars, known)
        settle_ns = settings.settle_ns if self._push is None else settings.push_settle_ns
        carried = {
            name: SeriesAge(pair, name, shared)
            for name in self.wanted.get(pair, ())
            if name in OF_BARS
        }
        feed = self._pairs[pair] = PairFeed(sequence, hours, settle_ns, shared, carried)
        beside = self._beside(pair, first_ns, shared)
        self._looked_at[pair] = [feed, *beside]

        async def after_series() -> None:
            # Otherwise the first decisions would not know yet what was known by then.
            for series in beside:
                await series.began.wait()
            await feed.run()

        parts = {f"requests of {pair}": after_series} | {
            f"{series.name} of {pair}": series.run for series in beside
        }
        if self._push is not None:
            parts[f"stream of {pair}"] = _stream(feed, self._push, hours, shared).run
        books, wanted = self._books, self.wanted.get(pair, ())
        if books is not None and BOOK_IMBALANCE in wanted:
            book = BookFeed(pair, books, hours, shared)
            parts[f"{book.name} of {pair}"] = book.run
            self._looked_at[pair].append(book)
        self._living[pair] = [
            supervisor.task(what, self._part(pair, work, shared, supervisor))
            for what, work in parts.items()
        ]

    def _beside(self, pair: str, first_ns: int, shared: Subscription) -> list[BesideFeed]:
        """The feeds of the series wanted of `pair`, whose first wanted bar opens at `first_ns`."""
        announced: list[BesideFeed] = []
        if self._announcing is not None and FUNDING_ANNOUNCED in self.wanted.get(pair, ()):
            announced = [AnnouncedFundingFeed(pair, self._announcing, shared)]
        if self._series is None:
            return announced
        now_ns = shared.venue.now_ns()
        oldest_ns = now_ns - self._settings.max_backfill_bars * MINUTE_NS
        # Every settlement since the last bar is paid; of others only what is still usable counts.
        owed_ns = min(max(first_ns, oldest_ns), now_ns)
        polled = [
            SeriesFeed(
                pair,
                name,
                self._series,
                (owed_ns if name == FUNDING_RATE else now_ns) - reach_ns(name),
                shared,
            )
            for name in self.wanted.get(pair, ())
            if name not in (*OF_BARS, BOOK_IMBALANCE, FUNDING_ANNOUNCED)
        ]
        return [*polled, *announced]

    async def _part(
        self,
        pair: str,
        work: Callable[[], Coroutine[Any, Any, None]],
        shared: Subscription,
        supervisor: Supervisor,
    ) -> None:
        try:
            await work()
        except PairGone as gone:
            self._lose(pair, gone, shared, supervisor)

    def _lose(
        self, pair: str, gone: PairGone, shared: Subscription, supervisor: Supervisor
    ) -> None:
        """Continue without a pair the venue does not have; raise `gone` if none is left."""
        for task in self._living.pop(pair, ()):
            if task is not asyncio.current_task():
                supervisor.cancel(task)
        if not self._living:
            raise gone
        shared.outbox.put([PairLost(pair, str(gone))])

    async def _watch(self, shared: Subscription) -> None:
        """Check clocks and silences forever."""
        while True:
            await self._clock.sleep(self._settings.tick_ns)
            if jump := shared.venue.local_jump():
                shared.outbox.put([jump])
                self._clock_doubted.set()
            if shared.venue.in_doubt:
                self._clock_doubted.set()
                continue
            for pair in self._living:
                for part in self._looked_at[pair]:
                    part.look()

    async def _keep_measuring(
        self, connection: Connection, shared: Subscription, supervisor: Supervisor
    ) -> None:
        while True:
            self._clock_doubted.clear()
            await wait_for(self._clock_doubted, self._settings.offset_interval_ns, self._clock)
            await self._measure(connection, shared, supervisor)
            for pair in self._living:
                self._pairs[pair].wake()

    async def _measure(
        self, connection: Connection, shared: Subscription, supervisor: Supervisor
    ) -> None:
        while True:
            pair = next(iter(self._living))

            async def ask(pair: str = pair) -> Sequence[Event]:
                return await shared.venue.measure(
                    lambda: self._source.time(pair), self._settings.offset_samples
                )

            try:
                shared.outbox.put(await connection.call(ask))
                return
            except PairGone as gone:
                self._lose(pair, gone, shared, supervisor)


def _open_ns(first: FirstBar, this_minute_ns: int) -> int:
    """Open of the first bar wanted."""
    if isinstance(first, After):
        return first.open_time_ns
    if isinstance(first, int):
        return first
    return this_minute_ns - (0 if first is None else first.minutes) * MINUTE_NS


def _stream(
    feed: PairFeed, push: PushSource, hours: Hours, shared: Subscription
) -> StreamFeed[Sequence[Candle]]:
    """The stream of a pair's bars."""
    pair = feed.sequence.pair
    line = Line(
        lambda: push.listen(pair),
        lambda: PushedBars(feed, shared.venue).take,
        lambda: push.hang_up(pair),
    )
    return StreamFeed(pair, "stream", line, hours, shared)


async def _until_failure(outbox: Outbox) -> AsyncIterator[Event]:
    while True:
        yield await outbox.get()
