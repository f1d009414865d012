"""Copies a session as of one moment while it keeps running.

DuckDB lets only one process open a store, so the trading process makes the copy: it pins the moment
between two inputs and copies in another thread.
"""

import re
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from uuid import uuid4

from mlx_muzero.errors import RunError, StorageError
from mlx_muzero.files.regular import partial_of, reader, require_folder
from mlx_muzero.paper.records.cross_check import require_own
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore, PinnedStore
from mlx_muzero.runlog.closeable import Closeable
from mlx_muzero.runlog.control import send

_NAME = re.compile(r"[0-9a-f]{32}")
_WITHIN_S = 60.0
_FORGOTTEN_S = 3600.0
"""Age after which a snapshot that nobody collected is removed."""


class Moment(Closeable):
    """Store and journal of a session at one moment; a context manager.

    Attributes:
        folder: the session's folder.
    """

    def __init__(self, folder: PaperFolder, store: PinnedStore, journal_bytes: int) -> None:
        """Use `of`."""
        self.folder = folder
        self._store, self._journal_bytes = store, journal_bytes

    @classmethod
    def of(cls, folder: PaperFolder, store: PaperStore) -> Self:
        """Pin the current moment; call from the thread that writes store and journal, if any."""
        path = folder.journal_path
        return cls(folder, store.pin(), path.stat().st_size if path.exists() else 0)

    def close(self) -> None:
        """Release the moment."""
        self._store.close()

    def copy(self, target: Path) -> None:
        """Make `target` the folder of a session at this moment, completely or not at all.

        Raises:
            StorageError: the disk is full or cannot be written.
        """
        copied = PaperFolder(partial_of(target))
        with self.folder.writing(target):
            require_folder(target.parent)
            copied.path.mkdir(parents=True)
            try:
                self._store.copy(copied.store_path)
                _copy_head(self.folder.journal_path, copied.journal_path, self._journal_bytes)
                # Last, because a folder with settings counts as a session.
                shutil.copyfile(self.folder.mark_path, copied.mark_path)
                copied.path.rename(target)
            except BaseException:
                shutil.rmtree(copied.path, ignore_errors=True)
                raise


def take(moment: Moment) -> str:
    """Copy a moment on request; return the copy's name among the folder's snapshots."""
    shelf, name = moment.folder.snapshots_path, uuid4().hex
    with moment.folder.writing(shelf):
        require_folder(shelf)  # old snapshots in it are removed below
    if shelf.is_dir():
        for left in shelf.iterdir():
            if time.time() - left.stat().st_mtime > _FORGOTTEN_S:
                shutil.rmtree(left, ignore_errors=True)
    moment.copy(shelf / name)
    return name


@contextmanager
def opened_for_reading(
    folder: PaperFolder, exports: Collection[Path] = ()
) -> Iterator[tuple[PaperFolder, PaperStore]]:
    """Open the session in `folder`, and its store, for reading, as of now.

    Uses the session itself if nobody trades it, and locks it meanwhile; otherwise a snapshot made
    by the trading process.

    Args:
        folder: the session's folder.
        exports: folders that the store may write to.

    Raises:
        RunError: the store cannot be read, or the trading process does not answer.
    """
    if folder.holder() is None:
        with folder.held(), PaperStore(folder.store_path, True, exports) as store:
            require_own(folder, store)
            yield folder, store
        return
    name = send(folder.socket_path, "snapshot", _WITHIN_S)
    if not _NAME.fullmatch(name):
        raise RunError(f"{folder.path}: the trading process made no snapshot: {name}")
    snapshot = PaperFolder(folder.snapshots_path / name)
    try:
        with PaperStore(snapshot.store_path, True, exports) as store:
            require_own(snapshot, store)
            yield snapshot, store
    # Name the session: the snapshot is about to be removed.
    except (RunError, StorageError) as error:
        raise type(error)(str(error).replace(str(snapshot.path), str(folder.path))) from error
    finally:
        shutil.rmtree(snapshot.path, ignore_errors=True)


def _copy_head(path: Path, target: Path, size: int) -> None:
    with target.open("xb") as copy:
        if size:
            with reader(path) as file:
                while size and (part := file.read(min(size, 1 << 20))):
                    copy.write(part)
                    size -= len(part)
