"""All minutes of a time, asked for page by page from a venue that need not do as it says.

What a venue does with a start, a number of bars and an end is not believed but measured:

- An answer that holds the bar it was asked from began there, so what it lacks up to its last bar
  are holes. Pages therefore overlap by a bar.
- An answer that begins later may have left out older bars: venues give the newest bars of the time
  asked for, fewer than were asked for, or heed an end alone. Such a beginning is asked for in the
  other ways there are; one that brings older bars is how the venue is asked from then on.
- An answer without a bar covers as many minutes as answers were seen to cover. Behind eight of them
  in a row the search makes longer and longer strides, and halves its way back to the first bar.
- Where pages come whole, the next ones are asked for before they are due.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlx_muzero.download.spans import Span
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import I64
from mlx_muzero.venues.holes import UNMEASURED_MINUTES, Reach
from mlx_muzero.venues.page import NO_BARS, UNREAD_NS, Page
from mlx_muzero.venues.source import Refused

_LATEST_NS = 2**63 - 1
_EMPTY_PAGES = 8  # in a row, before the strides get longer
# Fewer bars, or thinner ones, do not show how many a venue gives: the market may be young or quiet.
_FEW_BARS, _DENSE_FRAC = UNMEASURED_MINUTES, 0.9

Request = Callable[[int | None, int, int | None], Awaitable[Page]]
"""Asks for so many bars from a start on, or the newest, and before an end, or without one."""


@dataclass(frozen=True)
class Stretch:
    """Minutes that have been asked for, [start_ns, end_ns), and the bars that came of them."""

    start_ns: int
    end_ns: int
    page: Page | None


@dataclass(frozen=True)
class _Way:
    """How a venue is asked: for how many rows, and whether an end is named."""

    bars: int
    ends: bool = False


class Pager:
    """Walks through the minutes of one pair.

    Args:
        request: asks the venue, and waits out its outages.
        sizes: numbers of bars to ask for, the most first; a smaller one is tried where the venue
            refuses.
        ahead: how many pages are asked for at once, where they come whole.
        row_minutes: from one row to the next: one of bars, more of the points of a series.
    """

    def __init__(
        self, request: Request, sizes: Sequence[int], ahead: int = 4, row_minutes: int = 1
    ) -> None:
        self._request, self._sizes, self._ahead_pages = request, list(sizes), ahead
        self._row_ns = row_minutes * MINUTE_NS
        self._way = _Way(self._sizes[0])
        self._reach = Reach(self._way.bars * row_minutes)
        self._ahead: dict[int, asyncio.Task[Page]] = {}
        self.requests = 0
        """How often the venue was asked."""
        self.unread = 0
        """Bars whose time could not be read."""
        self.latest_ns = _LATEST_NS
        """No bar opens later: what a venue sends beyond does not lead on."""

    async def newest(self) -> Page:
        """The newest bars, which also show how many the venue gives at most."""
        page = await self._ask(None, self._way)
        times = self._from(page, 0)
        if len(times) >= _FEW_BARS:
            span = int(times[-1] - times[0]) // MINUTE_NS + 1
            if len(times) >= _DENSE_FRAC * span:
                self._ask_as(replace(self._way, bars=min(span, self._way.bars)))
        return page

    def believable(self, page: Page) -> I64:
        """Open times of `page` that can be, each once: ``i64[n]`` increasing."""
        return self._from(page, 0)

    async def walk(self, start_ns: int, end_ns: int) -> AsyncIterator[Stretch]:
        """All of [start_ns, end_ns), both whole minutes, stretch by stretch in order of time."""
        at_ns, known_ns = start_ns, None
        try:
            while at_ns < end_ns:
                since_ns = at_ns if known_ns is None else known_ns
                page = await self._due(since_ns)
                times = self._from(page, at_ns)
                if not len(times):
                    behind_ns = await self._behind(since_ns, end_ns)
                    yield Stretch(at_ns, behind_ns, None)
                    at_ns, known_ns = behind_ns, None
                    continue
                first_ns, last_ns = int(times[0]), int(times[-1])
                began_there = bool(np.isin(since_ns, page.open_time_ns))
                if first_ns > at_ns and not began_there:
                    lacking = (at_ns, min(first_ns, end_ns))
                    if await self._other_way(lacking, len(page)):
                        continue
                else:
                    self._reach.saw(since_ns, last_ns)
                    if len(times) + (since_ns < at_ns) == 1 + (last_ns - since_ns) // MINUTE_NS:
                        self._ask_ahead(last_ns, last_ns - since_ns, end_ns)
                asked_ns = min(last_ns + MINUTE_NS, end_ns)
                yield Stretch(at_ns, asked_ns, page.within(at_ns, asked_ns))
                at_ns, known_ns = asked_ns, last_ns
        finally:
            await self._drop_ahead()

    async def again(self, spans: Sequence[Span]) -> list[Page]:
        """What comes of holes when they are asked for once more, of long ones at both ends."""
        pages, done_ns = [], -_LATEST_NS
        for start_ns, end_ns in spans:
            reach_ns = self._reach.minutes * MINUTE_NS
            for edge_ns in (start_ns, max(start_ns, end_ns - reach_ns)):
                if (at_ns := max(edge_ns, done_ns)) < end_ns:
                    page = await self._ask(at_ns - MINUTE_NS, self._way)
                    pages.append(page)
                    done_ns = max(at_ns + reach_ns - MINUTE_NS, at_ns + MINUTE_NS)
        return pages

    async def _due(self, since_ns: int) -> Page:
        task = self._ahead.pop(since_ns, None)
        if task is None:
            await self._drop_ahead()
            return await self._ask(since_ns, self._way)
        return await task

    def _ask_ahead(self, since_ns: int, stride_ns: int, end_ns: int) -> None:
        for number in range(self._ahead_pages if stride_ns > 0 else 0):
            at_ns = since_ns + number * stride_ns
            if at_ns + MINUTE_NS < end_ns and at_ns not in self._ahead:
                self._ahead[at_ns] = asyncio.create_task(self._ask(at_ns, self._way))

    async def _drop_ahead(self) -> None:
        tasks, self._ahead = list(self._ahead.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, start_ns: int | None, way: _Way, end_ns: int | None = None) -> Page:
        """An answer; one without a bar where the venue refuses the time, as too long ago."""
        if end_ns is None and start_ns is not None:
            end_ns = start_ns + way.bars * self._row_ns if way.ends else None
        for bars in (way.bars, *(size for size in self._sizes if size < way.bars)):
            self.requests += 1
            try:
                page = await self._request(start_ns, bars, end_ns)
            except Refused:
                continue
            self.unread += int((page.open_time_ns == UNREAD_NS).sum())
            if bars < way.bars:
                self._ask_as(replace(self._way, bars=bars))
            return page
        return NO_BARS

    async def _other_way(self, lacking: Span, bars: int) -> bool:
        """Whether older bars come in another way, which is then the one to ask in.

        Args:
            lacking: minutes before the first bar of an answer.
            bars: how many that answer had.
        """
        start_ns, end_ns = lacking
        ways: list[tuple[int, _Way]] = []
        if 0 < bars < self._way.bars:
            fewer = replace(self._way, bars=bars)
            before_ns = max(start_ns, end_ns - bars * self._row_ns)
            ways += [(start_ns, fewer), (before_ns, fewer)]
        if not self._way.ends:
            ways.append((start_ns, replace(self._way, ends=True)))
        for at_ns, way in ways:
            if len((await self._ask(at_ns, way)).within(start_ns, end_ns)):
                self._ask_as(way)
                return True
        if not self._way.ends:
            page = await self._ask(start_ns, self._way, end_ns)
            if len(page.within(start_ns, end_ns)):
                self._ask_as(replace(self._way, ends=True))
                return True
        return False

    def _ask_as(self, way: _Way) -> None:
        if way != self._way:
            self._way = way
            most = way.bars * self._row_ns // MINUTE_NS
            self._reach = Reach(most, min(self._reach.seen_minutes, most))

    async def _behind(self, empty_ns: int, end_ns: int) -> int:
        """Where to go on behind an answer without a bar: no bar was found before it.

        Args:
            empty_ns: where that answer was asked from.
            end_ns: where the search ends.
        """
        reach_ns = self._reach.minutes * MINUTE_NS
        clear_ns = at_ns = empty_ns + reach_ns
        misses, stride_ns, found_ns = 1, reach_ns, end_ns
        while at_ns < end_ns:
            times = self._from(await self._ask(at_ns, self._way), at_ns)
            if len(times):
                found_ns = min(int(times[0]), end_ns)
                break
            clear_ns = at_ns + reach_ns if at_ns == clear_ns else clear_ns
            misses += 1
            if misses < _EMPTY_PAGES:
                at_ns = clear_ns
            else:
                at_ns += stride_ns
                stride_ns *= 2
        while found_ns - clear_ns > reach_ns:
            middle_ns = clear_ns + (found_ns - clear_ns) // 2 // MINUTE_NS * MINUTE_NS
            times = self._from(await self._ask(middle_ns, self._way), middle_ns)
            if len(times) and times[0] < found_ns:
                found_ns = int(times[0])
            else:
                clear_ns = middle_ns + reach_ns
        return min(clear_ns, end_ns)

    def _from(self, page: Page, start_ns: int) -> I64:
        """Open times that can be believed, from `start_ns` on, each once: ``i64[n]``."""
        times = page.open_time_ns
        believable = (times >= start_ns) & (times <= self.latest_ns) & (times % MINUTE_NS == 0)
        return np.unique(times[believable])
