"""A queue of events for the consumer, in order, and the error that ends it."""

import asyncio
from collections import deque
from collections.abc import Sequence

from mlx_muzero.paper.feeds.events import Event


class Outbox:
    """A queue whose producers can wait for room, so a backfill does not outrun its consumer."""

    ROOM = 4096

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._error: BaseException | None = None
        self._filled, self._drained = asyncio.Event(), asyncio.Event()

    def put(self, events: Sequence[Event]) -> None:
        """Add events; never waits, so events keep the order of the calls."""
        self._events.extend(events)
        if events:
            self._filled.set()

    def fail(self, error: BaseException) -> None:
        """Raise `error` in the consumer once it has read all earlier events."""
        self._error = self._error or error
        self._filled.set()

    async def room(self) -> None:
        """Wait until the consumer has caught up."""
        while len(self._events) >= self.ROOM:
            self._drained.clear()
            await self._drained.wait()

    async def get(self) -> Event:
        """Return the next event, or raise the error given to `fail`."""
        while not self._events:
            if self._error is not None:
                raise self._error
            self._filled.clear()
            await self._filled.wait()
        event = self._events.popleft()
        self._drained.set()
        return event
