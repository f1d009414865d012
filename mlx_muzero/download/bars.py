"""Downloads the bars of one symbol into the store."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from mlx_muzero.download.asking import Asking
from mlx_muzero.download.intake import Intake
from mlx_muzero.download.report import DownloadReport
from mlx_muzero.errors import FeedError
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.importers.choices import Choices
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.origin_table import BARS, Origin
from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS
from mlx_muzero.venues.candle import NO_TIME
from mlx_muzero.venues.holes import last_closed_ns, settled_ns
from mlx_muzero.venues.hours import hours_in
from mlx_muzero.venues.page import Page
from mlx_muzero.venues.pager import Pager
from mlx_muzero.venues.source import HistorySource, Listing
from mlx_muzero.venues.spans import Span, holes, minutes, without

CHUNK_BARS = 50_000
"""Bars per transaction, or as many as arrive within `CHUNK_NS` if that is fewer."""
CHUNK_NS = 15 * SECOND_NS
GAPS_SHOWN = 5
LOOKBACK_BARS = 3
"""Stored bars that are requested again when a download continues, to notice corrections."""

Progress = Callable[[str, int, int, int], None]
"""Called with a symbol, its minutes done, its minutes in total, and the bars received."""


@dataclass(frozen=True)
class Desk:
    """What the downloads from one venue share.

    Attributes:
        store: open and writable.
        source: the venue.
        asking: the requests to it.
        choices: what to do with bars that contradict the store.
        progress: called with the progress of each symbol.
        lock: held while the store is in use.
    """

    store: BarStore
    source: HistorySource
    asking: Asking
    choices: Choices
    progress: Progress
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class BarsDownload:
    """Downloads the bars of one symbol.

    Args:
        desk: the venue and the store.
        origin: the symbol and its name at the venue.
        listing: how the venue lists it.
        end_ns: end of the period (exclusive); None for all minutes that are over.
    """

    def __init__(self, desk: Desk, origin: Origin, listing: Listing, end_ns: int | None) -> None:
        self._desk, self._origin, self._end_ns = desk, origin, end_ns
        self._hours = hours_in(listing.market)
        self._connection = desk.asking.connection(origin.pair)
        source = desk.source
        self._pager = Pager(self._request, source.page_sizes, source.at_once)
        self._intake = Intake(desk.store, origin, listing.market, desk.choices)
        self._report = DownloadReport(origin.symbol, origin.venue, origin.pair, notes=listing.notes)
        self._venue_ns = self._newest_ns = 0
        self._buffer: list[Page] = []
        self._begun_ns = self._missing = self._came = 0
        self._gaps: list[Span] = []
        self._chunk: Span = (0, 0)  # requested, but not yet stored

    async def run(self) -> DownloadReport:
        """Download all minutes that have not been requested yet, in order of time.

        Raises:
            MuZeroError: the download cannot continue; everything up to then is stored.
        """
        clock = self._desk.asking.clock
        started_ns = clock.monotonic_ns()
        wanted = await self._wanted()
        total = minutes(wanted)
        done = 0
        for span in wanted:
            try:
                await self._walk(span, done, total)
            except (FeedError, asyncio.CancelledError):
                self._keep_what_came()
                raise
            done += minutes([span])
        self._desk.progress(self._origin.symbol, total, total, self._came)
        taken = self._intake.taken
        if self._pager.unread:
            taken.rejected[NO_TIME] += self._pager.unread
        return replace(
            self._report,
            first_ns=wanted[0][0] if wanted else None,
            end_ns=wanted[-1][1] if wanted else None,
            inserted=taken.inserted,
            duplicates=taken.duplicates,
            filled=taken.filled,
            conflicts=taken.conflicts,
            replaced=taken.replaced,
            rejected=dict(taken.rejected),
            missing=self._missing,
            gaps=tuple(sorted(self._gaps)),
            requests=self._pager.requests,
            seconds=(clock.monotonic_ns() - started_ns) / SECOND_NS,
            notes=(*self._report.notes, *self._notes()),
        )

    async def _wanted(self) -> list[Span]:
        """The spans to request, up to the last minute that is over at the venue."""
        origin, desk = self._origin, self._desk
        asked: list[Span] = []
        if not desk.choices.replace:
            async with desk.lock:
                asked = desk.store.origins.asked(origin.symbol, BARS)
        if self._end_ns is not None and not without((origin.first_ns, self._end_ns), asked):
            return []
        # Request the time first, so that the venue sends the bars after it.
        time = await desk.asking.try_for(self._connection, lambda: desk.source.time(origin.pair))
        newest = await self._pager.newest()
        if not len(newest) and self._pager.refusal is not None:
            raise self._pager.refusal
        if time is not None:
            self._venue_ns = time.time_ns - time.resolution_ns // 2
            self._pager.latest_ns = self._venue_ns + MINUTE_NS
        else:  # without a start some venues send their oldest bars
            newest = Page.join([newest, await self._pager.recent(desk.asking.clock.wall_ns())])
        times = self._pager.believable(newest)
        if len(newest) and not len(times):
            raise FeedError(
                f"{origin}: of {len(newest):,} bars that were sent, none opens on a whole minute of"
                " the past"
            )
        if len(times):
            self._newest_ns = int(times[-1])
            # If the venue reports no time, use the newest bar's open, which has passed.
            self._venue_ns = self._venue_ns or self._newest_ns
        self._venue_ns = self._venue_ns or desk.asking.clock.wall_ns()
        end_ns = last_closed_ns(self._venue_ns) + MINUTE_NS
        if self._end_ns is not None:
            end_ns = min(end_ns, self._end_ns)
        if end_ns <= origin.first_ns:
            return []
        return without((origin.first_ns, end_ns), asked)

    async def _walk(self, span: Span, done: int, total: int) -> None:
        clock, (start_ns, end_ns) = self._desk.asking.clock, span
        self._chunk, self._begun_ns = (start_ns, start_ns), clock.monotonic_ns()
        again_ns = LOOKBACK_BARS * MINUTE_NS if start_ns > self._origin.first_ns else 0
        async for stretch in self._pager.walk(start_ns - again_ns, end_ns):
            if stretch.page is not None:
                self._buffer.append(stretch.page)
                self._came += len(stretch.page)
                if len(times := self._pager.believable(stretch.page)):
                    self._newest_ns = max(self._newest_ns, int(times[-1]))
            at = done + max(stretch.end_ns - start_ns, 0) // MINUTE_NS
            self._desk.progress(self._origin.symbol, at, total, self._came)
            self._chunk = (self._chunk[0], max(stretch.end_ns, start_ns))
            full = sum(map(len, self._buffer)) >= CHUNK_BARS
            if full or clock.monotonic_ns() - self._begun_ns >= CHUNK_NS:
                await self._flush(self._chunk)
        await self._flush((self._chunk[0], end_ns))

    async def _flush(self, span: Span) -> None:
        """Store the bars of `span`, after requesting its holes once more."""
        page = Page.join(self._buffer)
        open_ns = self._hours.open_ns
        lacking = [hole for hole in holes(span, page.open_time_ns) if open_ns(*hole)]
        if lacking:
            found = [answer.within(*span) for answer in await self._pager.again(lacking)]
            page = Page.join([page, *found])
            lacking = [hole for hole in holes(span, page.open_time_ns) if open_ns(*hole)]
        start_ns, settled = span[0], min(span[1], settled_ns(self._newest_ns, self._venue_ns))
        asked = (start_ns, settled) if settled > start_ns else None
        # Write in another thread, so that answers are read in the meantime.
        self._buffer, self._begun_ns = [], self._desk.asking.clock.monotonic_ns()
        self._chunk = (span[1], span[1])
        async with self._desk.lock:
            await _to_its_end(self._intake.take, page, asked)
        at_venue = [(max(a, start_ns), min(b, settled)) for a, b in lacking if a < settled]
        self._missing += sum(open_ns(*hole) for hole in at_venue) // MINUTE_NS
        longest = sorted([*self._gaps, *at_venue], key=lambda hole: hole[0] - hole[1])
        self._gaps = longest[:GAPS_SHOWN]

    def _keep_what_came(self) -> None:
        """Store the bars of an incomplete chunk; from its first hole on it is requested again."""
        if self._buffer and not self._desk.lock.locked():
            page, (start_ns, end_ns) = Page.join(self._buffer), self._chunk
            first_hole = next(iter(holes(self._chunk, page.open_time_ns)), (end_ns, end_ns))
            whole_ns = min(first_hole[0], settled_ns(self._newest_ns, self._venue_ns))
            self._intake.take(page, (start_ns, whole_ns) if whole_ns > start_ns else None)

    async def _request(self, start_ns: int | None, bars: int, end_ns: int | None) -> Page:
        ask = partial(self._desk.source.page, self._origin.pair, start_ns, bars, end_ns)
        return await self._desk.asking.answer(self._connection, ask)

    def _notes(self) -> list[str]:
        taken, notes = self._intake.taken, []
        if not self._newest_ns:
            notes.append(f"{self._origin.venue} sent no bars")
        if self._missing and self._pager.refusal is not None:
            notes.append(f"some times were refused, and count as missing: {self._pager.refusal}")
        if taken.conflicts:
            at = ", ".join(utc_text(time) for time in taken.conflicts_at[:3])
            notes.append(f"kept stored bars that now differ at the venue (first at {at} UTC)")
        notes += [f"{count:,} bars left out: {why}" for why, count in taken.rejected.items()]
        return notes


async def _to_its_end(call: Callable[..., None], *arguments: object) -> None:
    """Run `call` in another thread, to its end even if cancelled: only one may use the store."""
    running = asyncio.ensure_future(asyncio.to_thread(call, *arguments))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
