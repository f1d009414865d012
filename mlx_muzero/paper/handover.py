"""Backs a session up as of now, or moves it away, whether or not a process is trading it."""

from pathlib import Path

from mlx_muzero.paper.records.backup import Backup, write_backup
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.origin import mark_moved, require_here
from mlx_muzero.paper.records.snapshot import opened_for_reading
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.remote import end


def back_up(account: PaperFolder, file: Path) -> Backup:
    """Write the session in `account` to the new `file`; it continues here.

    Raises:
        RunError: it was moved away, the file exists, or something cannot be read or written.
    """
    require_here(account)
    with opened_for_reading(account) as (session, store):
        return write_backup(session, store, account, file)


def move_away(account: PaperFolder, file: Path) -> Backup:
    """Write the session in `account` to the new `file`, and end it here for good.

    Raises:
        RunError: as for `back_up`, or the process that trades it does not end.
    """
    require_here(account)
    if account.holder() is not None:
        end(account)
    # Lock it until it is marked, so that whatever restarts it meanwhile finds it moved.
    with account.held(), PaperStore(account.store_path, read_only=True) as store:
        made = write_backup(account, store, account, file)
        mark_moved(account, file, made.origin.time)
    return made
