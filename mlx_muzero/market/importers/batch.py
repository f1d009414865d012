"""Imports many files, whole folders among them: one that fails does not end the batch."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_muzero.errors import DataError, MuZeroError
from mlx_muzero.files.refusals import told
from mlx_muzero.market.importers.formats import import_order
from mlx_muzero.market.importers.report import ImportReport

ENDINGS = (".csv", ".zip", ".gz", ".parquet", ".duckdb", ".db")
"""Names of files that a folder is searched for; a file that is named itself may have any."""


@dataclass(frozen=True)
class Failure:
    """A file that was not imported."""

    path: Path
    error: MuZeroError


@dataclass(frozen=True)
class ImportBatch:
    """Files to import.

    Attributes:
        files: in the order to import them in, ask files last.
        passed_over: files of the folders that have another ending.
    """

    files: tuple[Path, ...]
    passed_over: tuple[Path, ...]

    @classmethod
    def of(cls, paths: Sequence[Path], store: Path) -> "ImportBatch":
        """The files among `paths`, and those in the folders among them, by name.

        Hidden files, the store itself and what is a link to a folder are not looked at.

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
            wanted = [file for file in found if file.suffix.lower() in ENDINGS]
            if not wanted:
                raise DataError(f"{path}: no file in it ends in {', '.join(ENDINGS)}")
            files += wanted
            passed_over += (file for file in found if file not in wanted)
        return cls(tuple(import_order(list(dict.fromkeys(files)))), tuple(passed_over))

    def imported(
        self, import_one: Callable[[Path], ImportReport]
    ) -> Iterator[ImportReport | Failure]:
        """What became of each file, one after another."""
        for path in self.files:
            try:
                yield import_one(path)
            except MuZeroError as error:
                yield Failure(path, error)
            except OSError as error:
                failure = told(error)
                if failure is None:
                    raise
                yield Failure(path, failure)


def _within(folder: Path) -> list[Path]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent) / name for name in names if not name.startswith(".")]
    return sorted(file for file in found if file.is_file())


def _is_part_of(file: Path, store: Path) -> bool:
    """Whether `file` is the store, or one of those that DuckDB and migrations put beside it."""
    # Not Path.resolve, which fails where links go round.
    return os.path.realpath(file.parent) == os.path.realpath(store.parent) and (
        file.name == store.name or file.name.startswith(f"{store.name}.")
    )
