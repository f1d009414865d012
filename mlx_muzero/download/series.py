"""Downloads the series that accompany one symbol's bars into the store."""

from functools import partial

from mlx_muzero.download.bars import Desk
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers.report import CONFLICT_ALWAYS_ALLOWED, CONFLICT_MAX_FRAC
from mlx_muzero.market.series import SeriesMerge
from mlx_muzero.market.store.origin_table import Origin
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.page import Page
from mlx_muzero.venues.pager import Pager
from mlx_muzero.venues.series_points import ROW_MINUTES, on_minutes, points_of
from mlx_muzero.venues.spans import Span, without

_SIZES = (1000, 500, 200, 100)
_CHUNK_POINTS = 50_000

NOTHING = SeriesMerge(0, 0, 0, 0)


class SeriesDownload:
    """Downloads one series of a symbol.

    Args:
        desk: the venue and the store.
        origin: the symbol and its name at the venue.
        series: name of the series, one that the venue lists.
        end_ns: end of the period (exclusive), UTC.
    """

    def __init__(self, desk: Desk, origin: Origin, series: str, end_ns: int) -> None:
        self._desk, self._origin, self._series, self._end_ns = desk, origin, series, end_ns
        self._connection = desk.asking.connection(f"{origin.pair} {series}")
        self._pager = Pager(self._request, _SIZES, row_minutes=ROW_MINUTES[series])
        self._merged, self._newest_ns = NOTHING, 0

    async def run(self) -> SeriesMerge:
        """Download everything that has not been requested yet.

        Raises:
            MuZeroError: the download cannot continue; everything up to then is stored.
        """
        origin, desk = self._origin, self._desk
        taken: list[Span] = []
        if not desk.choices.replace:
            async with desk.lock:
                taken = desk.store.origins.asked(origin.symbol, self._series)
        for start_ns, end_ns in without((origin.first_ns, self._end_ns), taken):
            chunk_ns, pages = start_ns, list[Page]()
            async for stretch in self._pager.walk(start_ns, end_ns):
                if stretch.page is not None and len(stretch.page):
                    pages.append(stretch.page)
                    self._newest_ns = max(self._newest_ns, int(stretch.page.open_time_ns[-1]))
                if sum(map(len, pages)) >= _CHUNK_POINTS:
                    await self._store(Page.join(pages), (chunk_ns, stretch.end_ns))
                    chunk_ns, pages = stretch.end_ns, []
            await self._store(Page.join(pages), (chunk_ns, end_ns))
        return self._merged

    async def _request(self, start_ns: int | None, count: int, end_ns: int | None) -> Page:
        """An answer with times rounded to whole minutes, which identify points."""
        source, origin = self._desk.source, self._origin
        ask = partial(source.points, origin.pair, self._series, start_ns, count, end_ns)
        return on_minutes(await self._desk.asking.answer(self._connection, ask))

    async def _store(self, page: Page, span: Span) -> None:
        """Store the points, and that their time was requested, in one transaction."""
        origin, name, store = self._origin, self._series, self._desk.store
        asked = (span[0], min(span[1], self._newest_ns + MINUTE_NS))
        async with self._desk.lock:
            with store.transaction():
                if len(page):
                    points = points_of(origin.symbol, name, page)
                    merge = store.write_series(points, self._desk.choices.replace)
                    self._require_few(merge)
                    self._merged = _sum(self._merged, merge)
                if asked[1] > asked[0]:
                    store.origins.note_asked(origin.symbol, name, *asked)

    def _require_few(self, merge: SeriesMerge) -> None:
        overlap = merge.duplicates + merge.conflicts
        if merge.conflicts > max(CONFLICT_ALWAYS_ALLOWED, CONFLICT_MAX_FRAC * overlap):
            raise DataError(
                f"{self._origin} {self._series}: refused, the store is unchanged:"
                f" {merge.conflicts:,} of {overlap:,} points already stored differ. If the venue is"
                " right, use --replace"
            )


def _sum(one: SeriesMerge, other: SeriesMerge) -> SeriesMerge:
    pairs = zip(vars(one).values(), vars(other).values(), strict=True)
    return SeriesMerge(*(a + b for a, b in pairs))
