"""Requests all minutes of a period page by page, from a venue that may not do what it documents.

How a venue treats a start, a number of bars and an end is measured, not assumed:

- If an answer contains the bar at the requested start, it starts there, and the minutes it lacks up
  to its last bar are holes. Pages therefore overlap by one bar.
- If an answer starts later, it may have left out older bars: some venues return the newest bars of
  the period, or fewer than requested, or respect only an end. The missing start is then requested
  in the other ways; if one of them returns older bars, the venue is asked that way from then on.
- An answer without bars covers as many minutes as earlier answers have been seen to cover. After
  eight of them in a row, the search takes ever longer strides, then bisects back to the first bar.
  Before the start that this finds, eight pages are empty, too: only a longer hole passes for it.
- If pages come complete, the next ones are requested in advance.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import I64
from mlx_muzero.venues.holes import UNMEASURED_MINUTES, Reach
from mlx_muzero.venues.page import UNREAD_NS, Page
from mlx_muzero.venues.source import Refused
from mlx_muzero.venues.spans import Span

_LATEST_NS = 2**63 - 1
_EMPTY_PAGES = 8  # in a row, before the strides get longer
# Fewer or sparser bars do not show how many a venue returns: the market may be young or quiet.
_FEW_BARS, _DENSE_FRAC = UNMEASURED_MINUTES, 0.9

_REFUSED = Page(np.empty(0, np.int64), {})
"""The answer if the venue refuses a start, whatever the page size."""

Request = Callable[[int | None, int, int | None], Awaitable[Page]]
"""Requests bars by start (None: the newest), number of bars, and end (None: no end)."""


@dataclass(frozen=True)
class Stretch:
    """Minutes that have been requested, [start_ns, end_ns), and the bars received."""

    start_ns: int
    end_ns: int
    page: Page | None


@dataclass(frozen=True)
class _Way:
    """A way to ask a venue: for how many rows, and whether with an end."""

    bars: int
    ends: bool = False


class Pager:
    """Walks through the minutes of one pair.

    Args:
        request: asks the venue, and waits out its outages.
        sizes: numbers of bars to request, largest first; a smaller one is tried if the venue
            refuses.
        ahead: how many pages to request at once if they come complete.
        row_minutes: minutes between rows: 1 for bars, more for the points of a series.
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
        """Number of requests so far."""
        self.refusal: Refused | None = None
        """The last error with which the venue refused a request as it was made."""
        self.unread = 0
        """Bars whose time could not be read."""
        self.latest_ns = _LATEST_NS
        """The latest possible open time; bars beyond it are ignored."""

    async def newest(self) -> Page:
        """The newest bars, which also show how many the venue returns at most."""
        page = await self._ask(None, self._way)
        times = self._from(page, 0)
        if len(times) >= _FEW_BARS:
            span = int(times[-1] - times[0]) // MINUTE_NS + 1
            if len(times) >= _DENSE_FRAC * span:
                self._ask_as(replace(self._way, bars=min(span, self._way.bars)))
        return page

    async def recent(self, now_ns: int) -> Page:
        """The bars of the last hours before `now_ns`, as this machine's clock has it."""
        back_ns = (self._way.bars - 1) * self._row_ns
        return await self._ask((now_ns - back_ns) // MINUTE_NS * MINUTE_NS, self._way)

    def believable(self, page: Page) -> I64:
        """The plausible open times of `page`, each once: ``i64[n]`` increasing."""
        return self._from(page, 0)

    async def walk(self, start_ns: int, end_ns: int) -> AsyncIterator[Stretch]:
        """Request [start_ns, end_ns), whole minutes, stretch by stretch in order of time."""
        at_ns, known_ns = start_ns, None
        try:
            while at_ns < end_ns:
                # A minute early, even without a bar there: some venues leave out the start.
                since_ns = at_ns - MINUTE_NS if known_ns is None else known_ns
                page = await self._due(since_ns)
                if page is _REFUSED:
                    since_ns, page = at_ns, await self._ask(at_ns, self._way)
                times = self._from(page, at_ns)
                if not len(times):
                    behind_ns = await self._behind(since_ns, page, end_ns)
                    # Two bars a page reach the minute itself, though not for certain beyond it.
                    behind_ns = max(behind_ns, at_ns + MINUTE_NS)
                    yield Stretch(at_ns, behind_ns, None)
                    at_ns, known_ns = behind_ns, None
                    continue
                first_ns, last_ns = int(times[0]), int(times[-1])
                began_there = bool(np.isin(since_ns, page.open_time_ns))
                if first_ns > at_ns and not began_there:
                    lacking = (at_ns, min(first_ns, end_ns))
                    if await self._other_way(since_ns, lacking, len(page)):
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
        """The answers when holes are requested once more; long ones only at both ends."""
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
        """An answer; one without bars if the venue refuses the period, for example as too old."""
        if end_ns is None and start_ns is not None:
            end_ns = start_ns + way.bars * self._row_ns if way.ends else None
        for bars in (way.bars, *(size for size in self._sizes if size < way.bars)):
            self.requests += 1
            try:
                page = await self._request(start_ns, bars, end_ns)
            except Refused as refusal:
                self.refusal = refusal
                continue
            self.unread += int((page.open_time_ns == UNREAD_NS).sum())
            if bars < way.bars:
                self._ask_as(replace(self._way, bars=bars))
            return page
        return _REFUSED

    async def _other_way(self, since_ns: int, lacking: Span, bars: int) -> bool:
        """Whether another way of asking returns older bars; if so, use it from now on.

        Args:
            since_ns: the start requested for an answer, which the venue may leave out.
            lacking: the minutes before the first bar of that answer.
            bars: number of bars in that answer.
        """
        start_ns, end_ns = lacking
        ways: list[tuple[int, _Way]] = []
        if 0 < bars < self._way.bars:
            fewer = replace(self._way, bars=bars)
            before_ns = max(start_ns, end_ns - bars * self._row_ns)
            ways += [(since_ns, fewer), (before_ns, fewer)]
        if not self._way.ends:
            ways.append((since_ns, replace(self._way, ends=True)))
        for at_ns, way in ways:
            if len((await self._ask(at_ns, way)).within(start_ns, end_ns)):
                self._ask_as(way)
                return True
        if not self._way.ends:
            page = await self._ask(since_ns, self._way, end_ns)
            if len(page.within(start_ns, end_ns)):
                self._ask_as(replace(self._way, ends=True))
                return True
        return False

    def _ask_as(self, way: _Way) -> None:
        if way != self._way:
            self._way = way
            most = way.bars * self._row_ns // MINUTE_NS
            self._reach = Reach(most, min(self._reach.seen_minutes, most))

    async def _behind(self, empty_ns: int, page: Page, end_ns: int) -> int:
        """Where to continue after an answer without bars: no bar was found before that time.

        Args:
            empty_ns: the start requested for that answer.
            page: the answer.
            end_ns: where the search ends.
        """
        covered_ns = self._covered_ns(page)
        clear_ns = at_ns = empty_ns + covered_ns
        misses, stride_ns, found_ns = 1, self._reach.minutes * MINUTE_NS, end_ns
        while at_ns < end_ns:
            page = await self._ask(at_ns, self._way)
            if len(self._from(page, at_ns)):
                found_ns = at_ns
                break
            covered_ns = self._covered_ns(page)
            clear_ns = at_ns + covered_ns if at_ns == clear_ns else clear_ns
            misses += 1
            if misses < _EMPTY_PAGES and page is not _REFUSED:
                at_ns = clear_ns
            else:
                at_ns += stride_ns
                stride_ns *= 2
        searched_ns = clear_ns
        before_ns: int | None = found_ns
        while before_ns is not None:
            clear_ns, empty_ns = await self._bisected(searched_ns, before_ns, covered_ns)
            before_ns = await self._bars_before(empty_ns, searched_ns)
        return min(clear_ns, end_ns)

    async def _bisected(self, clear_ns: int, found_ns: int, covered_ns: int) -> Span:
        """Narrow down where bars begin between minutes without any and an answer with some.

        Bars may be left out even before the first of an answer: only empty ones clear minutes.

        Returns:
            Where to continue, and the start of the empty answer before it.
        """
        empty_ns = clear_ns
        while found_ns - clear_ns > covered_ns:
            middle_ns = clear_ns + (found_ns - clear_ns) // 2 // MINUTE_NS * MINUTE_NS
            page = await self._ask(middle_ns, self._way)
            if len(self._from(page, middle_ns)):
                found_ns = middle_ns
            else:
                covered_ns, empty_ns = self._covered_ns(page), middle_ns
                clear_ns = min(middle_ns + covered_ns, found_ns)
        return clear_ns, empty_ns

    async def _bars_before(self, empty_ns: int, searched_ns: int) -> int | None:
        """A start whose answer has bars, on up to eight pages before an empty one; else None.

        An empty answer may have met a hole rather than the time before the first bar.
        """
        at_ns = empty_ns
        for _ in range(_EMPTY_PAGES - 1):
            if at_ns <= searched_ns:
                return None
            until_ns = at_ns
            at_ns = max(at_ns - self._reach.minutes * MINUTE_NS, searched_ns)
            page = await self._ask(at_ns, self._way)
            if page is _REFUSED:
                return None
            if len(page.within(at_ns, until_ns)):
                return at_ns
        return None

    def _covered_ns(self, page: Page) -> int:
        """Time that an answer without bars covers; a refused one covers only its first minute."""
        return MINUTE_NS if page is _REFUSED else self._reach.minutes * MINUTE_NS

    def _from(self, page: Page, start_ns: int) -> I64:
        """The plausible open times from `start_ns` on, each once: ``i64[n]``."""
        times = page.open_time_ns
        believable = (times >= start_ns) & (times <= self.latest_ns) & (times % MINUTE_NS == 0)
        return np.unique(times[believable])
