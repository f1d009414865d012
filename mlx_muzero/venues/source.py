"""What a venue has to offer for bars to be asked of it, live or for the store."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from mlx_muzero.errors import FeedError
from mlx_muzero.venues.candle import Candle


class Unavailable(Exception):
    """The venue cannot answer now and may later; a feed waits and asks again.

    Args:
        reason: what happened, fit to be shown: no address, no token.
        retry_after_ns: how long the venue asked to be left alone; None if it did not.
    """

    def __init__(self, reason: str, retry_after_ns: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_ns = retry_after_ns


class PairGone(FeedError):
    """The venue does not have a pair, and waiting will not bring it."""


@dataclass(frozen=True)
class VenueTime:
    """The venue's clock, known to `resolution_ns` (then the middle of that)."""

    time_ns: int
    resolution_ns: int


class Source(Protocol):
    """A venue that answers requests.

    Every method raises `Unavailable` where waiting may help, `PairGone` where it will not but for
    other pairs, and `FeedError` where it will not for any.
    """

    page_bars: int
    """How many bars one request asks for, and how many minutes of a market it covers at least."""

    async def fetch(self, pair: str, start_ns: int) -> Sequence[Candle]:
        """Minutes that open at `start_ns` or later, in any order.

        They are the oldest `page_bars` of them or, at many venues, those of the first `page_bars`
        minutes, which may be none although later ones have bars. The minute that is not over may
        be among them.
        """

    async def time(self, pair: str) -> VenueTime | None:
        """The venue's clock, None if it tells no time; `pair` is for those that do beside bars."""

    async def close(self) -> None:
        """Let go of all connections."""


class PushSource(Source, Protocol):
    """A venue that also sends bars by itself."""

    def listen(self, pair: str) -> AsyncIterator[Sequence[Candle]]:
        """Candles as the venue sends them, `complete` only where it says so or not.

        Connects when it is iterated, and anew where the connection before has failed.
        """

    async def hang_up(self, pair: str) -> None:
        """Drop the connection that `listen` of `pair` uses: it is up, but nothing comes."""
