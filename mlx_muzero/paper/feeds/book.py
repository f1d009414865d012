"""The order book of one pair of a live feed: follows it, and emits the imbalance of every minute.

The book is sampled by the rule that reads recorded books for training (`market.book_imbalance`).
A venue has no past of it, so the first minutes of a session are unknown.
"""

from collections.abc import AsyncIterator
from functools import partial

import numpy as np

from mlx_muzero.errors import FeedError
from mlx_muzero.market.book_imbalance import BookMinutes
from mlx_muzero.market.series import BOOK_IMBALANCE, Series
from mlx_muzero.paper.feeds.events import SeriesPoints
from mlx_muzero.paper.feeds.series_age import SeriesAge
from mlx_muzero.paper.feeds.stream import Line, StreamFeed
from mlx_muzero.paper.feeds.subscription import Subscription
from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS
from mlx_muzero.venues.hours import Hours
from mlx_muzero.venues.order_book import BookTop
from mlx_muzero.venues.source import BookSource, Unavailable

_AFTER_SECOND_NS = SECOND_NS // 4
"""When, within a second, a book is requested."""


class BookFeed:
    """Imbalance of one pair's order book, pushed or, where the venue does not push it, requested.

    Args:
        pair: the venue's name.
        source: the venue.
        hours: hours of the pair's market.
        shared: shared parts of the subscription.
    """

    name = BOOK_IMBALANCE

    def __init__(self, pair: str, source: BookSource, hours: Hours, shared: Subscription) -> None:
        self._pair, self._source, self._hours, self._shared = pair, source, hours, shared
        self._minutes = BookMinutes()
        self._imbalance: float | None = None  # as the last message left it
        self._age = SeriesAge(pair, BOOK_IMBALANCE, shared)
        self._began = False

    async def run(self) -> None:
        """Emit points forever."""
        if self._source.pushes_books:
            hang_up = partial(self._source.hang_up, self._pair)
            line = Line(self._pushed, lambda: self._take, hang_up)
            await StreamFeed(self._pair, "context", line, self._hours, self._shared).run()
        connection = self._shared.connection(self._pair, "context")
        poll_ns = self._shared.settings.book_poll_ns
        while True:
            try:
                self._take(await connection.attempt(self._requested))
            except Unavailable:  # reported, and the connection has waited
                continue
            # Just after a minute's end, as its last second is known once a later book is there.
            passed_ns = self._shared.venue.now_ns() - _AFTER_SECOND_NS
            await self._shared.clock.sleep(poll_ns - passed_ns % poll_ns)

    def look(self) -> None:
        """Report that the newest value has become too old, or that there is a usable one again."""
        if self._began:
            self._age.look()

    async def _pushed(self) -> AsyncIterator[BookTop]:
        try:
            async for book in self._source.listen_book(self._pair):
                yield self._of_now(book)
        except FeedError as error:  # the pair's bars come nevertheless
            raise Unavailable(str(error)) from error
        finally:
            self._lose()

    async def _requested(self) -> BookTop:
        try:
            return self._of_now(await self._source.book(self._pair))
        except FeedError as error:
            self._lose()
            raise Unavailable(str(error)) from error
        except Unavailable:
            self._lose()
            raise

    def _of_now(self, book: BookTop) -> BookTop:
        """`book`, whose time is checked: all seconds up to it will be sampled."""
        ahead_ns = (book.time_ns or 0) - self._shared.venue.now_ns()
        if ahead_ns > MINUTE_NS:
            ahead_s = ahead_ns // SECOND_NS
            raise Unavailable(f"the order book's time is {ahead_s} s ahead of the venue's clock")
        return book

    def _lose(self) -> None:
        """Sample the book as long as nothing was known to be lost, then forget it."""
        if not self._shared.venue.in_doubt:
            self._minutes.advance(self._shared.venue.now_ns(), lambda: self._imbalance)
        self._imbalance, self._began = None, True

    def _take(self, book: BookTop) -> None:
        """Sample the book up to this version of it, and emit the minutes that are over."""
        venue = self._shared.venue
        if venue.in_doubt:
            self._lose()
            return
        time_ns = venue.now_ns() if book.time_ns is None else book.time_ns
        self._minutes.advance(time_ns, lambda: self._imbalance)
        self._imbalance, self._began = book.imbalance, True
        for open_ns, value in self._minutes.take():
            times = np.array([open_ns]), np.array([open_ns + MINUTE_NS])
            self._age.saw(open_ns, open_ns + MINUTE_NS)
            points = Series(self._pair, BOOK_IMBALANCE, *times, np.array([value]))
            self._shared.outbox.put([SeriesPoints(self._pair, points)])
