"""The interface shared by all feeds.

    async with feed.subscribe({"BTC/USDT": first_open_ns, "ETH/USDT": None}) as events:
        async for event in events:
            ...

Leaving the block stops the feed: its tasks end and its connections close.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from mlx_muzero.paper.feeds.events import Event, LiveBar


@dataclass(frozen=True)
class MinutesAgo:
    """A number of minutes before the one in which a live feed first learns the venue's time."""

    minutes: int


KNOWN_BARS = 3
"""How many of its newest bars a session that resumes tells its feed: those that every request reads
again."""


@dataclass(frozen=True)
class After:
    """The bar that follows those of an earlier subscription.

    Attributes:
        known: its newest bars, oldest first, as the venue last told them; at least one. What has
            changed in them since is a correction.
    """

    known: tuple[LiveBar, ...]

    @property
    def open_time_ns(self) -> int:
        """Open of the bar wanted first."""
        return self.known[-1].close_time_ns


FirstBar = int | After | MinutesAgo | None
"""Open of a bar in UTC ns; None: as early as a replay goes, or `MinutesAgo(0)` if live."""


class Feed(Protocol):
    """Closed minute bars of several pairs, and events about their delivery."""

    def subscribe(
        self, first_open_ns: Mapping[str, FirstBar]
    ) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Stream events of the given pairs until the block is left.

        Args:
            first_open_ns: the first bar wanted of each pair. Start and restart share one path:
                bars that are already over arrive as a backfill.

        Raises:
            FeedError: for problems that waiting cannot cure, such as a pair the venue does not
                have. In an outage the feed waits instead, and reports it.
        """
