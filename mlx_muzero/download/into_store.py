"""Downloads from several venues into a store; a new store that stays empty is deleted again."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mlx_muzero.download.job import Listener, Result, Wish, download
from mlx_muzero.download.report import DownloadFailure
from mlx_muzero.errors import DataError, MuZeroError
from mlx_muzero.market.importers.choices import AS_USUAL, Choices
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.filling import store_to_fill
from mlx_muzero.market.store.location import in_store
from mlx_muzero.venues.by_name import venue_of
from mlx_muzero.venues.source import HistorySource
from mlx_muzero.words import command


def download_into(
    database: Path,
    wishes: Mapping[str, Sequence[Wish]],
    choices: Choices = AS_USUAL,
    listener: Listener | None = None,
    find_venue: Callable[[str], HistorySource] = venue_of,
) -> list[Result]:
    """Download `wishes`, by venue; a symbol that fails does not affect the others.

    Args:
        database: path of the bar store.
        wishes: what to download from each venue.
        choices: the user's overrides.
        listener: told how it goes.
        find_venue: finds a venue by its name.

    Raises:
        FeedError: the only venue does not exist, or what it needs is missing.
        DataError: the store cannot be opened or created.
        StorageError: the disk is full; everything up to then is stored.
    """
    results: list[Result] = []
    sources: dict[str, HistorySource] = {}
    for venue, wanted in wishes.items():
        try:
            sources[venue] = find_venue(venue)
        except MuZeroError as error:
            if len(wishes) == 1:
                raise
            results += [DownloadFailure(wish.name, error) for wish in wanted]
    with store_to_fill(database) as store:
        for venue, source in sources.items():
            results += download(store, venue, source, wishes[venue], choices, listener)
    return results


def downloaded_before(database: Path, symbols: Sequence[str] = ()) -> dict[str, list[Wish]]:
    """The wishes, by venue, that bring `symbols` up to date, or all downloaded ones by default.

    Raises:
        DataError: one was not downloaded, or nothing was.
    """
    with BarStore(database, read_only=True) as store:
        origins = {origin.symbol: origin for origin in store.origins.all()}
        wanted = list(dict.fromkeys(store.spelling(symbol) for symbol in symbols or origins))
    asked, there = ("EXCHANGE", "SYMBOL", "--from", "DATE"), in_store(database)
    begin = command("data", "download", *asked, *there)
    if unknown := [symbol for symbol in wanted if symbol not in origins]:
        raise DataError(
            f"{', '.join(unknown)} was not downloaded (data list shows what was). Download it once"
            f" with {begin}"
        )
    if not wanted:
        raise DataError(f"nothing in {database} was downloaded; start with {begin}")
    by_venue: dict[str, list[Wish]] = {}
    for symbol in wanted:
        origin = origins[symbol]
        wish = Wish(origin.pair, series=origin.series)
        by_venue.setdefault(origin.venue, []).append(wish)
    return by_venue
