"""One series of a pair of a live feed: polls it.

The same requests that download a series for training bring it here, and the same rule says from
when a value is known, so a model sees live what it saw in training.
"""

import asyncio
from functools import partial

import numpy as np

from mlx_muzero.errors import FeedError
from mlx_muzero.market.series import Series, nearest_minute
from mlx_muzero.paper.feeds.events import SeriesPoints
from mlx_muzero.paper.feeds.series_age import SeriesAge
from mlx_muzero.paper.feeds.subscription import Subscription
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.page import Page
from mlx_muzero.venues.pager import Pager
from mlx_muzero.venues.series_points import ROW_MINUTES, on_minutes, points_of
from mlx_muzero.venues.source import Refused, SeriesSource, Unavailable

_COUNT = 100
"""Points a request asks for: four days of hourly settlements, 8 hours of open interest."""
_LONG = 50
"""Points beyond which the past is read by the pager: no venue gives fewer at once."""
_PAGES = (200, _COUNT, _LONG)


class SeriesFeed:
    """Points of one series of one pair.

    Args:
        pair: the venue's name.
        name: name of the series.
        source: the venue.
        first_ns: time from which points are wanted, UTC.
        shared: shared parts of the subscription.

    Attributes:
        name: name of the series.
        began: set once the venue has been asked for the past, successfully or not.
    """

    def __init__(
        self, pair: str, name: str, source: SeriesSource, first_ns: int, shared: Subscription
    ) -> None:
        self.name = name
        self._pair, self._source = pair, source
        self._first_ns, self._shared = first_ns, shared
        self._connection = shared.connection(pair, "context")
        self._pager = Pager(self._page, _PAGES, 0, ROW_MINUTES[name])
        self._newest: Series | None = None  # the newest point
        self._age = SeriesAge(pair, name, shared)
        self.began = asyncio.Event()

    async def run(self) -> None:
        """Emit points forever."""
        await self._shared.poll_series(self._read_all, self.began)

    def look(self) -> None:
        """Report that the newest value has become too old, or that there is a usable one again."""
        if self.began.is_set():
            self._age.look()

    async def _read_all(self) -> None:
        while await self._read():
            pass

    async def _read(self) -> bool:
        """Request what is new and emit it; return whether there may be more already."""
        venue = self._shared.venue
        await venue.wait_until_certain()
        row_ns = ROW_MINUTES[self.name] * MINUTE_NS
        if venue.now_ns() - self._from_ns > _LONG * row_ns:
            await self._page_through(venue.now_ns())
        came = await self._connection.attempt(self._newer)
        return self._emit(points_of(self._pair, self.name, came)) and len(came) >= _COUNT

    async def _page_through(self, now_ns: int) -> None:
        """Request a past of several pages as downloads do, and emit it."""
        start_ns, end_ns = (t // MINUTE_NS * MINUTE_NS for t in (self._from_ns, now_ns))
        self._pager.latest_ns = end_ns + MINUTE_NS
        async for stretch in self._pager.walk(start_ns, end_ns):
            if stretch.page is not None:
                self._emit(points_of(self._pair, self.name, stretch.page))

    async def _page(self, start_ns: int | None, count: int, end_ns: int | None) -> Page:
        request = partial(self._fetch, start_ns, count, end_ns)
        return on_minutes(await self._connection.attempt(request))

    async def _newer(self) -> Page:
        try:
            return await self._fetch(self._from_ns, _COUNT)
        except Refused as error:
            raise Unavailable(str(error)) from error

    async def _fetch(self, start_ns: int | None, count: int, end_ns: int | None = None) -> Page:
        """Points; raises Refused only where another request may be answered."""
        try:
            return await self._source.points(self._pair, self.name, start_ns, count, end_ns)
        except Refused:
            raise
        except FeedError as error:  # the pair's bars come nevertheless
            raise Unavailable(str(error)) from error

    @property
    def _from_ns(self) -> int:
        """Time from which points are wanted that are not there yet."""
        return self._first_ns if self._newest is None else int(self._newest.event_ns[-1])

    def _emit(self, came: Series) -> bool:
        """Emit what is new; return whether anything is."""
        points = self._new(came, self._from_ns)
        if not len(points):
            return False
        self._newest = points.slice(len(points) - 1, len(points))
        self._age.saw(int(points.event_ns[-1]), int(points.known_ns[-1]))
        self._shared.outbox.put([SeriesPoints(self._pair, points)])
        return True

    def _new(self, came: Series, first_ns: int) -> Series:
        """Points of `came` that are later than the newest one and final."""
        # A minute early still counts: the value is read no sooner than it is known.
        final = came.known_ns <= self._shared.venue.now_ns() + MINUTE_NS
        later = came.event_ns >= first_ns
        if self._newest is not None:
            later = nearest_minute(came.event_ns) > nearest_minute(self._newest.event_ns[-1:])
        kept = np.flatnonzero(final & later)
        return came.slice(int(kept[0]), int(kept[-1]) + 1) if len(kept) else came.slice(0, 0)
