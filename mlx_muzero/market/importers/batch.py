"""Imports many files and folders; a file that fails does not end the batch."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_muzero.errors import DataError, MuZeroError
from mlx_muzero.files.refusals import as_storage_error
from mlx_muzero.market.importers.formats import detect_format, import_order
from mlx_muzero.market.importers.nautilus_names import is_other_than_bars
from mlx_muzero.market.importers.report import ImportReport

ENDINGS = (
    ".csv",
    ".tsv",
    ".json",
    ".zip",
    ".gz",
    ".zst",
    ".dbn",
    ".feather",
    ".parquet",
    ".bi5",
    ".duckdb",
    ".db",
)
"""File endings to look for in a folder; a file named explicitly may have any ending."""

_MAYBE = ".txt"
"""The ending of bars and of what is written about them: the content tells."""


@dataclass(frozen=True)
class Failure:
    """A file that was not imported."""

    path: Path
    error: MuZeroError


@dataclass(frozen=True)
class ImportBatch:
    """Files to import.

    Attributes:
        files: files in import order, ask files last.
        passed_over: files in the folders that have another ending, or nothing in them, and texts
            in no known format.
    """

    files: tuple[Path, ...]
    passed_over: tuple[Path, ...]

    @classmethod
    def of(cls, paths: Sequence[Path], store: Path) -> "ImportBatch":
        """The files in `paths`, and those in its folders, sorted by name.

        Skips hidden files, the store itself and links to folders.

        Raises:
            DataError: a folder has no file that could be imported.
        """
        files: list[Path] = []
        passed_over: list[Path] = []
        for path in paths:
            if not path.is_dir():
                files.append(path)
                continue
            found = [file for file in _within(path) if not _is_part_of(file, store)]
            wanted = [file for file in found if _may_hold_bars(file)]
            if not wanted:
                raise DataError(
                    f"{path}: has no file that ends in {', '.join(ENDINGS)}, and no {_MAYBE} in a"
                    " known format"
                )
            files += wanted
            passed_over += (file for file in found if file not in wanted)
        return cls(tuple(import_order(list(dict.fromkeys(files)))), tuple(passed_over))

    def imported(
        self, import_one: Callable[[Path], ImportReport]
    ) -> Iterator[ImportReport | Failure]:
        """Import the files one after another; yield the outcome of each."""
        for path in self.files:
            try:
                yield import_one(path)
            except MuZeroError as error:
                yield Failure(path, error)
            except OSError as error:
                failure = as_storage_error(error)
                if failure is None:
                    raise
                yield Failure(path, failure)


def _within(folder: Path) -> list[Path]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent) / name for name in names if not name.startswith(".")]
    return sorted(file for file in found if file.is_file())


def _may_hold_bars(file: Path) -> bool:
    ending = file.suffix.lower()
    if is_other_than_bars(file):
        return False
    if ending == _MAYBE:
        return _is_in_a_known_format(file)
    # Dukascopy has an empty file for an hour without a tick.
    return ending in ENDINGS and not (ending == ".bi5" and file.stat().st_size == 0)


def _is_in_a_known_format(file: Path) -> bool:
    try:
        detect_format(file)
    except (DataError, OSError):
        return False
    return True


def _is_part_of(file: Path, store: Path) -> bool:
    """Whether `file` is the store, or a file that DuckDB or a migration puts next to it."""
    # Not Path.resolve, which fails on circular links.
    return os.path.realpath(file.parent) == os.path.realpath(store.parent) and (
        file.name == store.name or file.name.startswith(f"{store.name}.")
    )
