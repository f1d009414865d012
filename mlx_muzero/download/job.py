"""Downloads several symbols at once, new ones or what a store already holds."""

import asyncio
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from mlx_muzero.download.asking import Asking, DownloadPatience
from mlx_muzero.download.bars import BarsDownload, Desk, Progress
from mlx_muzero.download.report import DownloadFailure, DownloadReport
from mlx_muzero.download.series import SeriesDownload
from mlx_muzero.errors import DataError, FeedError, MuZeroError, StorageError
from mlx_muzero.market.importers.choices import AS_USUAL, Choices
from mlx_muzero.market.instrument import Instrument, known_instrument
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.location import in_store
from mlx_muzero.market.store.origin_table import Origin
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.clock import SystemClock
from mlx_muzero.venues.source import HistorySource, Listing
from mlx_muzero.words import command

PAIRS_AT_ONCE = 8

Result = DownloadReport | DownloadFailure


@dataclass(frozen=True)
class Wish:
    """A symbol to download.

    Attributes:
        name: as a user writes it, ours or the venue's.
        first_ns: open of the first minute, UTC; None to continue an earlier download.
        end_ns: end of the period (exclusive), UTC; None for all minutes that are over.
        series: series to download along with the bars.
    """

    name: str
    first_ns: int | None = None
    end_ns: int | None = None
    series: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listener:
    """Callbacks of a download: `progress` after every page, `say` with messages about outages."""

    progress: Progress = lambda *_: None
    say: Callable[[str], None] = lambda _: None


def download(
    store: BarStore,
    venue: str,
    source: HistorySource,
    wishes: Sequence[Wish],
    choices: Choices = AS_USUAL,
    listener: Listener | None = None,
    patience: DownloadPatience | None = None,
) -> list[Result]:
    """Download symbols of one venue, several at once; one that fails does not affect the others.

    Args:
        store: open and writable.
        venue: its name, as the store records it.
        source: the venue; closed at the end.
        wishes: what to download.
        choices: what to do with bars that contradict the store.
        listener: told about progress and outages.
        patience: how long to wait for the venue.

    Returns:
        The result of each symbol, in order.

    Raises:
        StorageError: the disk is full; everything up to then is stored.
    """
    told = listener or Listener()

    async def run() -> list[Result]:
        asking = Asking(
            venue, SystemClock(), patience or DownloadPatience(), random.random, told.say
        )
        desk = Desk(store, source, asking, choices, told.progress)
        gate = asyncio.Semaphore(PAIRS_AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_one(desk, wish, gate)) for wish in wishes]
        except ExceptionGroup as failed:
            # Not `except*`: early releases of Python 3.11 group again what is raised in it.
            full, others = failed.split(StorageError)
            if full is None or others is not None:
                raise
            raise full.exceptions[0] from None
        finally:
            await source.close()
        return [task.result() for task in tasks]

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(run())
    with ThreadPoolExecutor(1) as beside:  # as in a notebook, whose cells run in a loop
        return beside.submit(asyncio.run, run()).result()


async def _one(desk: Desk, wish: Wish, gate: asyncio.Semaphore) -> Result:
    async with gate:
        try:
            connection = desk.asking.connection(wish.name)
            listing = await desk.asking.answer(connection, lambda: desk.source.listed(wish.name))
            _require_series(listing, wish)
            async with desk.lock:
                with desk.store.transaction():
                    origin, notes = _origin(desk, wish, listing)
            listing = replace(listing, notes=(*listing.notes, *notes))
            end_ns = None if wish.end_ns is None else _whole(wish.end_ns)
            report = await BarsDownload(desk, origin, listing, end_ns).run()
            until_ns = desk.asking.clock.wall_ns() if end_ns is None else end_ns
            merges = {
                name: await SeriesDownload(desk, origin, name, _whole(until_ns)).run()
                for name in origin.series
            }
            return replace(report, series=merges)
        except StorageError:
            raise
        except MuZeroError as error:
            return DownloadFailure(wish.name, error)


def _require_series(listing: Listing, wish: Wish) -> None:
    """Raise FeedError if the venue lacks one of the wanted series."""
    if lacking := [name for name in wish.series if name not in listing.series]:
        has = f"it has {', '.join(listing.series)}" if listing.series else "it has none"
        raise FeedError(
            f"{wish.name}: the venue offers no {', '.join(lacking)} for {listing.pair}"
            f" ({has}; only perpetual contracts have funding and open interest)"
        )


def _origin(desk: Desk, wish: Wish, listing: Listing) -> tuple[Origin, list[str]]:
    """Record in the store where the symbol comes from; returns that, and notes for the user.

    Raises:
        DataError: it was downloaded from somewhere else before.
    """
    store, venue = desk.store, desk.asking.venue
    symbol = store.spelling(Symbol(listing.pair))
    origin = Origin(symbol, venue, listing.pair, wish.series, 0)
    earlier = store.origins.get(symbol)
    if earlier is not None and str(earlier) != str(origin):
        rename = command("data", "rename", symbol, "NAME", *in_store(store.path))
        raise DataError(
            f"{symbol} is downloaded from {earlier}, not from {origin}: rename what is stored"
            f" ({rename}), or name another store with --db"
        )
    since_ns = [_whole(earlier.first_ns)] if earlier is not None else []
    first_ns = since_ns[0] if wish.first_ns is None and since_ns else wish.first_ns
    if first_ns is None:
        raise DataError(f"{symbol} was not downloaded before: give its first day with --from")
    origin = replace(origin, first_ns=_whole(first_ns))
    series = tuple(dict.fromkeys((*(earlier.series if earlier else ()), *wish.series)))
    kept_since_ns = min([origin.first_ns, *since_ns])
    store.origins.put(replace(origin, first_ns=kept_since_ns, series=series))
    return replace(origin, series=series), _instrument_notes(store, symbol, listing)


def _instrument_notes(store: BarStore, symbol: str, listing: Listing) -> list[str]:
    """Ensure that the store knows how `symbol` trades: at an exchange of coins, all week.

    Raises:
        UnknownInstrument: a dealer's symbol whose pip its name does not tell.
    """
    known = store.find_instrument(symbol)
    told = known is not None and known != known_instrument(symbol)
    if listing.market == "fx" or told or (known is not None and known.market == "crypto"):
        store.instrument(symbol)
        return []
    pip = 0.0 if known is None else known.pip_size
    store.set_instrument(Instrument(symbol, "crypto", pip))
    counted = "pips" if pip else "basis points"
    return [f"noted: {symbol} trades all week, counted in {counted} (see data instrument)"]


def _whole(time_ns: int) -> int:
    """The whole minute at `time_ns` or after it."""
    return -(-time_ns // MINUTE_NS) * MINUTE_NS
