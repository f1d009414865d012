"""The one interface of every feed.

    async with feed.subscribe({"BTC/USDT": first_open_ns, "ETH/USDT": None}) as events:
        async for event in events:
            ...

Leaving the block stops the feed: its tasks end and its connections close.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from mlx_muzero.paper.feeds.events import Event


@dataclass(frozen=True)
class MinutesAgo:
    """So many minutes before the one in which a live feed learns what time it is at the venue."""

    minutes: int


FirstBar = int | MinutesAgo | None
"""Open of a bar in UTC nanoseconds; None: as early as a replay goes, or `MinutesAgo(0)`."""


class Feed(Protocol):
    """Closed minute bars of several pairs, and what happened to them on the way."""

    def subscribe(
        self, first_open_ns: Mapping[str, FirstBar]
    ) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Events of the pairs named, until the block is left.

        Args:
            first_open_ns: the first bar wanted of each pair: a start and a restart are one path,
                and what is already over comes as a backfill.

        Raises:
            FeedError: for what no waiting will cure, such as a pair the venue does not have. An
                outage is no such thing: the feed waits, and says so.
        """
