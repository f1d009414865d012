"""The shared parts of a running subscription."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mlx_muzero.paper.feeds.outbox import Outbox
from mlx_muzero.paper.feeds.settings import FeedSettings
from mlx_muzero.venues.clock import Clock
from mlx_muzero.venues.connection import Channel, Connection, Surroundings, Uniform
from mlx_muzero.venues.cooldown import Cooldown
from mlx_muzero.venues.source import Source, Unavailable
from mlx_muzero.venues.venue_clock import VenueClock

_SPARED = 4
"""How many times longer than the venue asked a series stays away, so that bars get through."""


@dataclass(frozen=True)
class Subscription:
    """What all pairs of a subscription share.

    Attributes:
        source: the venue.
        venue: the venue's clock.
        clock: this machine's clocks.
        cooldown: applies to all connections.
        outbox: receives events.
        uniform: source of jitter.
        settings: waits and limits.
    """

    source: Source
    venue: VenueClock
    clock: Clock
    cooldown: Cooldown
    outbox: Outbox
    uniform: Uniform
    settings: FeedSettings

    def connection(self, pair: str, channel: Channel) -> Connection:
        """The connection that carries `pair` over `channel` and reports to the outbox."""
        shared = Surroundings(
            self.clock,
            self.cooldown,
            self.settings,
            lambda event: self.outbox.put([event]),
            self.uniform,
        )
        return Connection(pair, channel, shared)

    async def poll_series(self, ask: Callable[[], Awaitable[None]], began: asyncio.Event) -> None:
        """Call `ask` whenever series beside the bars are due, forever.

        Args:
            ask: requests and emits what is new; raises Unavailable after a failure.
            began: set once it has been called, successfully or not.
        """
        while True:
            try:
                await ask()
                wait_ns = self._until_series_due_ns()
            except Unavailable as failure:  # reported, and the connection has waited
                wait_ns = self._spared_ns(failure)
            began.set()
            await self.clock.sleep(wait_ns)

    def _until_series_due_ns(self) -> int:
        """Time until series beside the bars are requested next."""
        settings = self.settings
        passed_ns = (self.venue.now_ns() - settings.series_settle_ns) % settings.series_poll_ns
        return settings.series_poll_ns - passed_ns

    def _spared_ns(self, failure: Unavailable) -> int:
        """Further wait of a series whose request failed: bars had to wait with it already."""
        return _SPARED * min(failure.retry_after_ns or 0, self.settings.max_retry_after_ns)
