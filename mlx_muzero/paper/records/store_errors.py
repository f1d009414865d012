"""What a paper session's store tells when DuckDB cannot use it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from mlx_muzero.errors import RunError, StorageError
from mlx_muzero.market.store.duckdb_files import FULL
from mlx_muzero.paper.records.tables import NO_TABLES

RESTORE = "Restore it from a copy, or start a new run."
"""The way on from a store that is damaged."""

_UNWRITABLE = re.compile("Read-only file system|Permission denied")
_DISK = re.compile(f"{FULL.pattern}|{_UNWRITABLE.pattern}")
"""DuckDB errors about the disk, not about the store."""


@contextmanager
def translating_errors(path: Path) -> Iterator[None]:
    """Translate DuckDB errors about the store at `path`."""
    try:
        yield
    except duckdb.Error as error:
        kind = StorageError if _DISK.search(str(error)) else RunError
        raise kind(f"{path}: {_reason(str(error))}") from error
    except ValueError as error:  # the contents are not valid JSON, or not a number
        raise RunError(f"{path}: it is damaged ({error}). {RESTORE}") from error


def _reason(text: str) -> str:
    """What a DuckDB error means to a user, and what to do."""
    first = text.splitlines()[0]
    if FULL.search(text):
        return f"the disk is full ({first}). Nothing is lost: free some space and start again."
    if _UNWRITABLE.search(text):
        return f"it cannot be written ({first}). Make the folder writable and start again."
    if "version number" in text:
        return f"a newer DuckDB wrote it ({first}). Update this one: pip install --upgrade duckdb"
    if re.search(r"\block\b", text):  # "block" of a damaged file must not match
        return f"another process has it open ({first}). Stop that one first."
    if any(word in text for word in ("not a valid DuckDB", "orrupt", NO_TABLES)):
        return f"it is damaged ({first}). {RESTORE}"
    return f"DuckDB cannot use it ({first})."
