"""The interface a venue must implement to provide bars, live or for the store."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from mlx_muzero.errors import FeedError
from mlx_muzero.market.instrument import Market
from mlx_muzero.venues.announced_rate import AnnouncedRate
from mlx_muzero.venues.candle import Candle
from mlx_muzero.venues.order_book import BookTop
from mlx_muzero.venues.page import Page


class Unavailable(Exception):
    """The venue cannot answer now but may later; the caller waits and asks again.

    Args:
        reason: what happened, fit to be shown: contains no address and no token.
        retry_after_ns: how long the venue asked to be left alone; None if it did not.
        said: the venue's own words, if it answered with an error; not fit to be logged.
    """

    def __init__(self, reason: str, retry_after_ns: int | None = None, said: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_ns = retry_after_ns
        self.said = said


class PairGone(FeedError):
    """The venue does not have a pair, and waiting will not help."""


class Refused(PairGone):
    """The venue does not answer a request as it was made, as for bars of too long ago."""


@dataclass(frozen=True)
class VenueTime:
    """The venue's clock with its resolution; `time_ns` is the middle of that interval."""

    time_ns: int
    resolution_ns: int


@dataclass(frozen=True)
class Listing:
    """A pair as a venue lists it.

    Attributes:
        pair: the venue's name.
        market: its calendar there.
        notes: what a user should know about it.
        series: names of the series available in addition to its bars.
    """

    pair: str
    market: Market
    notes: tuple[str, ...] = ()
    series: tuple[str, ...] = ()


class Source(Protocol):
    """A venue that answers requests.

    Every method raises `Unavailable` if waiting may help, `PairGone` if it will not for this pair
    but may for others, and `FeedError` if it will not for any.
    """

    page_bars: int
    """Number of bars one request asks for, and of market minutes it covers at least."""

    async def fetch(
        self, pair: str, start_ns: int, bars: int | None = None, end_ns: int | None = None
    ) -> Sequence[Candle]:
        """Minutes that open at `start_ns` or later, in any order.

        These are the oldest bars or, at many venues, the bars of the first so many minutes, which
        may be none even though later minutes have bars. Some venues send the newest bars instead.
        The unfinished minute may be included.

        Args:
            pair: the venue's name.
            start_ns: UTC.
            bars: how many to ask for; None for `page_bars`.
            end_ns: before which they are to open, as far as the venue heeds that.

        Raises:
            Refused: the venue does not answer what is asked like this.
        """

    async def time(self, pair: str) -> VenueTime | None:
        """The venue's clock, or None; `pair` is for venues that give it only along with bars."""

    async def close(self) -> None:
        """Close all connections."""


class PushSource(Source, Protocol):
    """A venue that also pushes bars."""

    def listen(self, pair: str) -> AsyncIterator[Sequence[Candle]]:
        """Yield candles as the venue sends them; `complete` is set only if the venue says so.

        Connects when iterated, and reconnects if the previous connection failed.
        """

    async def hang_up(self, pair: str) -> None:
        """Drop the connection `listen` uses for `pair`, which is up but brings nothing."""


class BookSource(Protocol):
    """A venue that shows its order books; errors as those of `Source`."""

    @property
    def pushes_books(self) -> bool:
        """Whether it streams them."""

    async def book(self, pair: str) -> BookTop:
        """The book of `pair` now."""

    def listen_book(self, pair: str) -> AsyncIterator[BookTop]:
        """Yield the book of `pair` after every change that the venue tells of.

        Connects as `PushSource.listen` does. Fails where a change was lost.
        """

    async def hang_up(self, pair: str) -> None:
        """See `PushSource.hang_up`."""


class SeriesSource(Protocol):
    """A venue that has series in addition to bars; errors as those of `Source`, and `Refused`."""

    async def points(
        self, pair: str, series: str, start_ns: int | None, count: int, end_ns: int | None = None
    ) -> Page:
        """So many points of a series from `start_ns` on, or as many as the venue gives.

        Args:
            pair: the venue's name.
            series: one of `Listing.series`.
            start_ns: UTC; None for the newest points.
            count: how many to ask for.
            end_ns: time before which they lie, as far as the venue heeds that.

        Returns:
            The points in the column ``value``.
        """


class AnnouncingSource(Protocol):
    """A venue that announces funding rates; errors as those of `Source`, and `Refused`."""

    async def announced(self, pair: str) -> Sequence[AnnouncedRate]:
        """What it says now of settlements of `pair`, which may be over already, or nothing."""


class HistorySource(SeriesSource, Protocol):
    """A venue that is asked for the bars of months; errors as those of `Source`, and `Refused`."""

    @property
    def page_sizes(self) -> Sequence[int]:
        """How many bars to ask for, the most first; smaller ones where the venue refuses that."""

    @property
    def at_once(self) -> int:
        """How many requests about one pair may be on their way, within the venue's limits."""

    async def listed(self, name: str) -> Listing:
        """The venue's pair of that name, ours or its own.

        Raises:
            PairGone: there is none; names similar ones.
        """

    async def page(
        self, pair: str, start_ns: int | None, bars: int, end_ns: int | None = None
    ) -> Page:
        """So many bars from `start_ns` on, or as many as the venue gives; the newest if None.

        Args:
            pair: the venue's name.
            start_ns: UTC.
            bars: how many to ask for.
            end_ns: before which they are to open, as far as the venue heeds that.
        """

    async def time(self, pair: str) -> VenueTime | None:
        """See `Source.time`."""

    async def close(self) -> None:
        """See `Source.close`."""
