"""Imports a batch of files into a store, which is created and, if all files fail, deleted."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from mlx_muzero.market.importers.batch import Failure, ImportBatch
from mlx_muzero.market.importers.choices import AS_USUAL, Choices
from mlx_muzero.market.importers.pipeline import import_file
from mlx_muzero.market.importers.report import ImportReport, Progress
from mlx_muzero.market.store.filling import store_to_fill

Around: TypeAlias = Callable[[Path, Callable[[Progress], ImportReport]], ImportReport]
"""Called for each file with the function that imports it, which takes a progress callback."""


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
    """Import the files of `batch` one by one; one that fails does not affect the others.

    Args:
        batch: the files, in order.
        database: path of the bar store.
        symbol: the symbol of all files; if None, determined for each file.
        format_name: the format of all files; detected if None.
        clock: the files' clock; if None, that of the format, or detected.
        choices: the user's overrides.
        around: shows progress.
        heard: called with the result of each file before the next one starts.

    Raises:
        DataError: the store cannot be opened or created.
    """
    results = []
    with store_to_fill(database) as store:

        def import_one(path: Path) -> ImportReport:
            return around(
                path,
                lambda show: import_file(store, path, symbol, format_name, clock, show, choices),
            )

        for result in batch.imported(import_one):
            results.append(result)
            heard(result)
    return results
