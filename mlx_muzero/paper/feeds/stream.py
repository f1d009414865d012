"""A stream that a venue pushes about one pair: listens, and reconnects on failure or silence."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from mlx_muzero.paper.feeds.events import Stale
from mlx_muzero.paper.feeds.heartbeat import Heartbeat
from mlx_muzero.paper.feeds.subscription import Subscription
from mlx_muzero.timeunits import SECOND_NS
from mlx_muzero.venues.connection import Channel
from mlx_muzero.venues.hours import Hours
from mlx_muzero.venues.source import Unavailable

Message = TypeVar("Message")


@dataclass(frozen=True)
class Line(Generic[Message]):
    """What to do with a stream.

    Attributes:
        listen: connects and yields messages; see `venues.source.PushSource.listen`.
        begin: called for every connection; returns what takes its messages, which must be quick.
        hang_up: drops the connection.
    """

    listen: Callable[[], AsyncIterator[Message]]
    begin: Callable[[], Callable[[Message], None]]
    hang_up: Callable[[], Awaitable[None]]


class StreamFeed(Generic[Message]):
    """Passes on what a venue pushes about one pair.

    Args:
        pair: the venue's name.
        channel: kind of the connection.
        line: the stream.
        hours: hours of the pair's market.
        shared: shared parts of the subscription.
    """

    def __init__(
        self,
        pair: str,
        channel: Channel,
        line: Line[Message],
        hours: Hours,
        shared: Subscription,
    ) -> None:
        self._pair, self._channel, self._line = pair, channel, line
        self._hours, self._shared = hours, shared
        self._connection = shared.connection(pair, channel)

    async def run(self) -> None:
        """Listen forever."""
        while True:
            await self._shared.cooldown.wait()
            try:
                await self._listen()
            except Unavailable as failure:
                if isinstance(failure, _Silent):
                    await self._line.hang_up()
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
                    self._shared.outbox.put([Stale(self._pair, self._channel, silent_ns, None)])
                    raise _Silent(f"connected, but silent for {silent_ns // SECOND_NS} s")
            taking.result()
        finally:
            taking.cancel()
            await asyncio.wait([taking])

    async def _take(self, heartbeat: Heartbeat) -> None:
        # Do nothing slow between two messages: ccxt drops one that nobody waits for.
        take = self._line.begin()
        async for message in self._line.listen():
            self._connection.works()
            heartbeat.beat(self._shared.venue.now_ns())
            take(message)
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
