"""Stores of an earlier version, brought up to date in place: after a backup, and told once.

A store says its version in its table `meta`, and only here is an old one changed.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

_LOG = logging.getLogger(__name__)


class Database(Protocol):
    """A connection to a DuckDB store, open for writing."""

    def execute(self, query: str, /) -> Any:
        """Run SQL."""


def migrate(db: Database, path: Path, version: int, steps: Mapping[int, str]) -> int:
    """Bring the store at `path` up to date; log where it was copied to before.

    Every step is a transaction: a store that is killed between two goes on with the second.

    Args:
        db: the store, whose database is the current one.
        path: its file.
        version: what it says in `meta`.
        steps: SQL that turns a store of a version into one of the next.

    Returns:
        The version it now has.
    """
    if version not in steps:
        return version
    backup = back_up(db, path, version)
    while version in steps:
        step, version = steps[version], version + 1
        db.execute(
            f"begin; {step}; update meta set value = '{version}' "
            "where key = 'schema_version'; commit;"
        )
    _LOG.warning(
        "%s was written by an earlier mlx_muzero and is brought up to date; as it was: %s",
        path,
        backup,
    )
    return version


def back_up(db: Database, path: Path, version: int) -> Path:
    """A copy beside `path` of all that the store holds, named by its version.

    Made by DuckDB, whose hold on the file ends when anything else in its process closes it.
    """
    name, number = f"{path.name}.v{version}", 1
    backup = path.with_name(name)
    while backup.exists():  # an older one, which is somebody's
        number += 1
        backup = path.with_name(f"{name}-{number}")
    partial = backup.with_name(f"{backup.name}.partial")
    partial.unlink(missing_ok=True)
    (store,) = db.execute("select current_database()").fetchone()
    quoted = str(partial).replace("'", "''")
    db.execute(f"attach '{quoted}' as backup")
    try:
        db.execute(f'copy from database "{store}" to backup')
    finally:
        db.execute("detach backup")
    partial.rename(backup)
    return backup
