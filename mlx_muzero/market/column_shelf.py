"""The folder next to a store in which datasets are kept, each in a folder of its own."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlx_muzero.files.regular import remove, require_folder
from mlx_muzero.market.column_files import Array, open_columns

_MAKING = ".making-"

UNUSABLE = (OSError, ValueError, TypeError, KeyError, IndexError)
"""What reading a damaged dataset raises."""


class ColumnShelf:
    """The folder of the store at `store`.

    Attributes:
        path: the folder, which may not exist.
    """

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(f"{store.name}.columns")

    def folders(self) -> list[Path]:
        """Those of finished datasets, the most recently used first.

        Raises:
            OSError: it cannot be read.
        """
        require_folder(self.path)
        if not self.path.exists():
            return []
        used = {folder: folder.lstat().st_mtime for folder in self.path.iterdir()}
        kept = [folder for folder in used if not folder.name.startswith(_MAKING)]
        return sorted(kept, key=lambda folder: -used[folder])

    def open(
        self, key: str, *, every_block: bool = False
    ) -> tuple[dict[str, Array], dict[str, Any]]:
        """The arrays and facts kept under `key`; arguments and errors as `open_columns`."""
        require_folder(self.path)
        return open_columns(self.path / key, key, every_block=every_block)

    def mark_used(self, key: str) -> None:
        """Let what is kept under `key` be the most recently used."""
        with suppress(OSError):
            os.utime(self.path / key)

    @contextmanager
    def held(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Keep other processes from making datasets; what those that were killed left is removed.

        Args:
            waiting: called before it waits for another process.

        Raises:
            OSError: the folder cannot be created or held.
        """
        require_folder(self.path)
        self.path.mkdir(exist_ok=True)
        held = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(held, fcntl.LOCK_EX)
            for left in self.path.glob(f"{_MAKING}*"):
                remove(left)
            yield
        finally:
            os.close(held)

    @contextmanager
    def making(self, key: str) -> Iterator[Path]:
        """An empty folder, kept under `key` if the block ends without an error (while `held`)."""
        made = Path(tempfile.mkdtemp(prefix=_MAKING, dir=self.path))
        try:
            yield made
            remove(self.path / key)
            made.rename(self.path / key)
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def sizes(self) -> dict[Path, int]:
        """Bytes of each finished dataset; none where the folder cannot be read."""
        with suppress(OSError):
            return {folder: size_bytes(folder) for folder in self.folders()}
        return {}

    def remove_of(self, symbol: str) -> int:
        """Remove what was made from bars of `symbol`, and what is damaged; returns the bytes freed.

        For a symbol whose bars have gone: no dataset of them will be asked for again.
        """
        freed = 0
        for folder, size in self.sizes().items():
            try:
                _, facts = self.open(folder.name)
                is_used = symbol not in facts["held"]
            except UNUSABLE:
                is_used = False
            if not is_used:
                with suppress(OSError):
                    remove(folder)
                    freed += size
        return freed


def size_bytes(folder: Path) -> int:
    """Size of the files in `folder`; 0 if it cannot be read."""
    with suppress(OSError):
        return sum(path.lstat().st_size for path in folder.iterdir())
    return 0
