"""Opens DuckDB offline, with bounded memory, and confined to one file.

DuckDB treats a path as a glob pattern, reads partitions from folder names, and runs the views and
macros of a database. A stranger's file must not be able to exploit that, by name or by content: a
file is reached under a name that we choose, and every other file is out of reach.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import numpy.typing as npt

from mlx_muzero.errors import DataError, MuZeroError, StorageError
from mlx_muzero.market.store.database import Database

Columns: TypeAlias = dict[str, npt.NDArray[Any]]

MEMORY_LIMIT = "512MB"
"""Bounds DuckDB's own buffers; more than that spills to disk."""

OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": MEMORY_LIMIT,
    "autoinstall_known_extensions": "false",
    "storage_compatibility_version": "v1.2.0",
}
"""Settings for every file. No extension is ever downloaded: reading must work offline.

New files use a format that every DuckDB version allowed in pyproject.toml can read, because files
move between machines and 1.3 cannot read 2.0's format. A file keeps the format it was created in.
"""

OWN_TABLES = (
    "select table_name from system.main.duckdb_tables()"
    " where database_name = current_database() and schema_name = 'main'"
)
"""Lists a store's own tables; views, macros and other schemas of a stranger do not count."""
OWN_COLUMNS = (
    "select table_name, column_name, data_type from system.main.duckdb_columns()"
    " where database_name = current_database() and schema_name = 'main'"
)
"""Lists the columns of a store's own tables, with DuckDB's type names."""

_MACROS = "select function_name from system.main.duckdb_functions() where not internal order by 1"
"""Uses only names and keywords, because a macro may replace even an operator."""

FileState: TypeAlias = tuple[int, ...]
_WITHOUT_MACROS: set[FileState] = set()
"""Stores that this process has checked already."""

MOMENTS = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")
"""DuckDB's types of timestamps with a time zone (the second from 2.0 on)."""
WALL_TIMES = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
"""DuckDB's types of timestamps without a time zone."""

FULL = re.compile("No space left|File too large|quota exceeded")
"""DuckDB errors of a full disk."""
_OF_THE_FILE = re.compile(f"{FULL.pattern}|[Cc]orrupt|^IO Error|[Cc]ould not (read|write|fsync)")
"""DuckDB errors about the file; their class does not tell, as a full disk fails a commit."""


@contextmanager
def scratch(threads: int, folders: Iterable[Path] = ()) -> Iterator[Database]:
    """An empty database for intermediate tables; those that do not fit in memory go to a file.

    It may write to files in `folders`.

    Raises:
        DataError: a statement failed.
        StorageError: the disk is full.
    """
    with tempfile.TemporaryDirectory(prefix="mlx-muzero-") as folder:
        try:
            config = OFFLINE | {"temp_directory": folder, "threads": threads}
            with duckdb.connect(":memory:", config=config) as db:
                shut_in(db, folders)
                yield db
        except duckdb.Error as error:
            raise refusal(Path(folder), error) from error


def shut_in(db: duckdb.DuckDBPyConnection, folders: Iterable[Path] = ()) -> None:
    """Confine `db` to the files that it has open already and those in `folders`.

    A store may come from a stranger, so call this before the first query: a macro in the store can
    override even the function that lists its tables, and then read any file.
    """
    allowed = ", ".join(f"'{quoted(folder)}'" for folder in folders)
    db.execute(f"set allowed_directories = [{allowed}]; set enable_external_access = false")


def state_of(path: Path) -> FileState | None:
    """Identifies the current content of the store at `path`; None if there is no store."""
    stamps: list[int] = []
    for file in (path, path.with_name(f"{path.name}.wal")):
        try:
            stat = file.stat()
        except OSError:
            continue
        stamps += (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return tuple(stamps) or None


def require_no_macros(
    db: duckdb.DuckDBPyConnection,
    path: Path,
    opened: FileState | None,
    error: type[MuZeroError],
) -> None:
    """Raise `error` if the store at `path` has macros, before anything else is asked of it.

    A store may be a stranger's. Its macros replace DuckDB's functions in every query on it, and can
    run forever. Its views need no such check, because a store is read from its own tables only.

    `opened` is the store's state before it was opened: one that was new, or has been looked at as
    it is, is not looked at again, because DuckDB lists its own thousands of functions with them.
    """
    if opened is None or opened in _WITHOUT_MACROS:
        return
    found = [str(name) for (name,) in db.execute(_MACROS).fetchall()]
    if found:
        raise error(
            f"{path}: it has macros of its own ({', '.join(found[:5])}), which would replace "
            "DuckDB's functions. If they are yours, remove them (drop macro NAME; drop macro table "
            "NAME); otherwise restore the store from a copy."
        )
    _WITHOUT_MACROS.add(opened)


def vouch_for(path: Path) -> None:
    """Spare the store at `path`, as this process has just closed or copied it, the next look.

    It was looked at when it was opened, and nobody else could write to it since.
    """
    if state := state_of(path):
        _WITHOUT_MACROS.add(state)


def require_path(path: Path, error: type[MuZeroError]) -> None:
    """Raise `error` if DuckDB would put the log of a store at `path` somewhere else."""
    if "?" in str(path.absolute()):
        raise error(
            f"{path}: DuckDB takes the ? in it for the start of parameters, so its log would"
            " go to another place: choose a path without one"
        )


def quoted_name(name: str) -> str:
    """A column's or table's name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def quoted(path: Path) -> str:
    """The absolute `path`, escaped for a single-quoted SQL string."""
    return str(path.absolute()).replace("'", "''")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Explain DuckDB errors about the file at `path`; errors in a statement pass unchanged.

    Raises:
        DataError: the file is damaged, or cannot be read or written.
        StorageError: the disk is full.
    """
    try:
        yield
    except duckdb.Error as error:
        if _OF_THE_FILE.search(str(error)):
            raise refusal(path, error) from error
        raise


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """Explain errors on malformed rows of the store at `path`, which may come from anyone.

    Raises:
        DataError: the store is damaged; names it and what to do.
    """
    try:
        yield
    except MuZeroError:  # SymbolError is a ValueError too
        raise
    except (duckdb.Error, ArithmeticError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: it is damaged ({str(error).splitlines()[0]}): restore it from a"
            " copy, or import into another file"
        ) from error


def refusal(path: Path, error: duckdb.Error) -> DataError | StorageError:
    """An error that says why DuckDB cannot use the file at `path`, and what to do."""
    text = str(error)
    if FULL.search(text):
        first = text.splitlines()[0]
        return StorageError(
            f"{path}: the disk is full. Make room there, then start again ({first})"
        )
    if re.search(r"\block\b", text):  # does not match "block"
        reason = "another process has it open for writing: stop it, or wait until it is done"
    elif "this process" in text:
        reason = "it is open already: close it first"
    elif "newer" in text or "version" in text:
        reason = f"it was written by another DuckDB version than {duckdb.__version__}"
    elif "not a valid DuckDB" in text:
        reason = "it is not a DuckDB file: name another file"
    elif "orrupt" in text or "Could not read enough bytes" in text:
        reason = "it is damaged: restore it from a copy, or delete it and import again"
    elif re.search(r"\b(read|write|sync)\b", text):
        reason = "it cannot be read or written: check its disk and its permissions"
    else:
        reason = "DuckDB cannot open it"
    return DataError(f"{path}: {reason} ({text.splitlines()[0]})")
