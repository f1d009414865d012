"""Opens a bar store to add data, without leaving an empty file behind on failure."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_muzero.errors import StorageError
from mlx_muzero.market.store.bar_store import BarStore


@contextmanager
def store_to_fill(path: Path) -> Iterator[BarStore]:
    """The store at `path`, created if missing; a new one that stays empty is deleted again.

    An empty store would look like one with data, and an incomplete one could not be opened.

    Raises:
        DataError: as `BarStore`.
        StorageError: the disk is full.
    """
    is_new, is_empty = not os.path.lexists(path), False
    try:
        store = BarStore(path)
    except StorageError:  # no room even for its tables
        if is_new:
            _remove(path)
        raise
    try:
        with store:
            try:
                yield store
            finally:
                is_empty = store.is_empty
    finally:
        if is_new and is_empty:
            _remove(path)


def _remove(path: Path) -> None:
    for file in (path, path.with_name(f"{path.name}.wal")):
        file.unlink(missing_ok=True)
