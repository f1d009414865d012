"""Stores of an earlier version, brought up to date in place: after a backup, and told once.

A store says its version in its table `meta`, and only here is an old one changed.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from mlx_muzero.files.regular import remove
from mlx_muzero.market.store.database import Database

_LOG = logging.getLogger(__name__)


def migrate(db: Database, path: Path, version: int, steps: Mapping[int, str]) -> int:
    """Bring the store at `path` up to date; log where it was copied to before.

    Every step is a transaction: a store that is killed between two goes on with the second.

    Args:
        db: the store, whose database is the current one.
        path: the store's file.
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
    shelf = backup_shelf(path)
    remove(shelf)
    shelf.mkdir()
    partial = shelf / name
    (store,) = db.execute("select current_database()").fetchone()
    db.execute(f"attach {_quoted(str(partial), chr(39))} as backup")
    try:
        db.execute(f"copy from database {_quoted(store, chr(34))} to backup")
    finally:
        db.execute("detach backup")
    partial.rename(backup)
    remove(shelf)
    return backup


def backup_shelf(path: Path) -> Path:
    """The folder in which the backup of the store at `path` is made; there only meanwhile.

    The one place beside the store that a writer of it must be able to reach.
    """
    return path.absolute().with_name(f"{path.name}.backing-up")


def _quoted(text: str, mark: str) -> str:
    return f"{mark}{text.replace(mark, 2 * mark)}{mark}"
