"""Imports a batch of files into the store at a path, made for them and dropped if none fits."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from mlx_muzero.market.importers.batch import Failure, ImportBatch
from mlx_muzero.market.importers.choices import AS_USUAL, Choices
from mlx_muzero.market.importers.pipeline import import_file
from mlx_muzero.market.importers.report import ImportReport, Progress
from mlx_muzero.market.store.bar_store import BarStore

Around: TypeAlias = Callable[[Path, Callable[[Progress], ImportReport]], ImportReport]
"""Called for each file with what imports it, which wants to tell how far it is."""


def import_batch(
    batch: ImportBatch,
    database: Path,
    symbol: str | None = None,
    format_name: str | None = None,
    clock: str | None = None,
    choices: Choices = AS_USUAL,
    around: Around = lambda _path, import_one: import_one(lambda _done, _total: None),
    heard: Callable[[ImportReport | Failure], None] = lambda _result: None,
) -> list[ImportReport | Failure]:
    """Import the files of `batch` one by one; one that fails does not keep the others out.

    Args:
        batch: which files, in order.
        database: bar store.
        symbol: whose bars they are; told from each file if None.
        format_name: detected if None.
        clock: the files' clock; the format's own, or detected, if None.
        choices: what to do where a file alone does not say.
        around: shows progress.
        heard: hears what became of each file, before the next begins.

    Raises:
        DataError: the store cannot be opened or made.
    """
    is_new = not database.exists()
    results = []
    with BarStore(database) as store:

        def import_one(path: Path) -> ImportReport:
            return around(
                path,
                lambda show: import_file(store, path, symbol, format_name, clock, show, choices),
            )

        for result in batch.imported(import_one):
            results.append(result)
            heard(result)
    if is_new and all(isinstance(result, Failure) for result in results):
        database.unlink()  # an empty store would pass for one that holds something
    return results
