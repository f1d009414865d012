"""Keeps DuckDB instances for their next use.

Making an instance registers thousands of functions, which takes longer than reading most files. One
that is confined to a file (`duckdb_files.shut_in`) stays confined to it, so it waits here until the
file is opened again. Nothing else of the file stays: its tables and macros go when it is detached,
temporary tables and settings with the connection.
"""

import atexit
import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import duckdb

_MOST = 4
"""How many instances wait; each has threads, and some memory."""


@dataclass(frozen=True)
class Instance:
    """A DuckDB instance.

    Attributes:
        db: a connection to its own database, which is in memory.
        spill: the folder for what exceeds its memory; made when that happens.
    """

    db: duckdb.DuckDBPyConnection
    spill: Path

    @classmethod
    def made(cls, spill: Path, settings: Mapping[str, Any]) -> Self:
        """A new instance, with `settings`."""
        config = {**settings, "temp_directory": str(spill)}
        return cls(duckdb.connect(":memory:", config=config), spill)


_waiting: list[tuple[Hashable, Instance]] = []
_lock = threading.Lock()


def kept(use: Hashable) -> Instance | None:
    """Take an instance that was kept for `use`, if there is one."""
    with _lock:
        for place, (kept_for, instance) in enumerate(_waiting):
            if kept_for == use:
                del _waiting[place]
                return instance
    return None


def keep(use: Hashable, instance: Instance) -> None:
    """Keep an instance, of which nothing is in use, for its next `use`; the oldest one may go."""
    if instance.spill.exists():  # DuckDB does not make the folder a second time
        instance.db.close()
        return
    with _lock:
        _waiting.append((use, instance))
        surplus = _waiting[:-_MOST]
        del _waiting[:-_MOST]
    for _, each in surplus:
        each.db.close()


@atexit.register
def close_all() -> None:
    """Close the instances that wait."""
    with _lock:
        waiting = list(_waiting)
        _waiting.clear()
    for _, each in waiting:
        each.db.close()
