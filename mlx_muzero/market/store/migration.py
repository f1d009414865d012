"""Migrates stores of earlier versions in place, after a backup, with one log message.

A store records its version in the table `meta`; this module is the only one that changes it.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from mlx_muzero.files.regular import remove
from mlx_muzero.market.store.database import Database

_LOG = logging.getLogger(__name__)


def migrate(db: Database, path: Path, version: int, steps: Mapping[int, str]) -> int:
    """Migrate the store at `path` to the current version; log where its backup is.

    Every step is a transaction: a store whose migration is killed between two continues with the
    second.

    Args:
        db: the store, as the current database.
        path: the store's file.
        version: its version according to `meta`.
        steps: SQL that migrates from each version to the next.

    Returns:
        The new version.
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
        "%s was written by an earlier mlx_muzero and has been brought up to date; backup: %s",
        path,
        backup,
    )
    return version


def back_up(db: Database, path: Path, version: int) -> Path:
    """Copy the store to a file next to `path`, named after its version.

    DuckDB makes the copy: its lock on the file would end if anything else in this process opened
    and closed the file.
    """
    name, number = f"{path.name}.v{version}", 1
    backup = path.with_name(name)
    while backup.exists():  # never overwrite an older backup
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
    """Temporary folder in which the backup of the store at `path` is made.

    The only place besides the store that its writer has to be able to reach.
    """
    return path.absolute().with_name(f"{path.name}.backing-up")


def _quoted(text: str, mark: str) -> str:
    return f"{mark}{text.replace(mark, 2 * mark)}{mark}"
