"""A session as it is at one moment, while it goes on.

DuckDB lets one process into a store, so whoever trades makes the copy: it pins the moment between
two inputs, and copies in another thread.
"""

import re
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from uuid import uuid4

from mlx_muzero.errors import RunError
from mlx_muzero.files.regular import reader, require_folder
from mlx_muzero.paper.records.cross_check import require_own
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore, PinnedStore
from mlx_muzero.runlog.closeable import Closeable
from mlx_muzero.runlog.control import send

_NAME = re.compile(r"[0-9a-f]{32}")
_WITHIN_S = 60.0
_FORGOTTEN_S = 3600.0
"""A snapshot that old is of somebody who never took it."""


class Moment(Closeable):
    """What store and journal of a session say at one moment; a context manager.

    Attributes:
        folder: of the session.
    """

    def __init__(self, folder: PaperFolder, store: PinnedStore, journal_bytes: int) -> None:
        """Use `of`."""
        self.folder = folder
        self._store, self._journal_bytes = store, journal_bytes

    @classmethod
    def of(cls, folder: PaperFolder, store: PaperStore) -> Self:
        """This one; in the thread that writes both, if one does."""
        path = folder.journal_path
        return cls(folder, store.pin(), path.stat().st_size if path.exists() else 0)

    def close(self) -> None:
        """Forget it."""
        self._store.close()

    def copy(self, target: Path) -> None:
        """Make `target` the folder of a session that stands there, whole or not at all.

        Raises:
            RunError: the disk is full or cannot be written.
        """
        copied = PaperFolder(target.with_name(f"{target.name}.partial"))
        with self.folder.writing(target):
            require_folder(target.parent)
            copied.path.mkdir(parents=True)
            try:
                self._store.copy(copied.store_path)
                _copy_head(self.folder.journal_path, copied.journal_path, self._journal_bytes)
                # Last: what has settings is a session.
                shutil.copyfile(self.folder.mark_path, copied.mark_path)
                copied.path.rename(target)
            except BaseException:
                shutil.rmtree(copied.path, ignore_errors=True)
                raise


def take(moment: Moment) -> str:
    """Copy a moment for somebody who asked; returns the name among the folder's snapshots."""
    shelf, name = moment.folder.snapshots_path, uuid4().hex
    with moment.folder.writing(shelf):
        require_folder(shelf)  # what is old in it is removed
    if shelf.is_dir():
        for left in shelf.iterdir():
            if time.time() - left.stat().st_mtime > _FORGOTTEN_S:
                shutil.rmtree(left, ignore_errors=True)
    moment.copy(shelf / name)
    return name


@contextmanager
def looked_at(
    folder: PaperFolder, exports: Collection[Path] = ()
) -> Iterator[tuple[PaperFolder, PaperStore]]:
    """The session in `folder` as it is now, and its store, for reading.

    The session itself where nobody trades it, which nobody does meanwhile; else a snapshot that the
    process that trades makes.

    Args:
        folder: of the session.
        exports: folders that the store may write to.

    Raises:
        RunError: the store cannot be read, or who trades does not answer.
    """
    if folder.holder() is None:
        with folder.held(), PaperStore(folder.store_path, True, exports) as store:
            require_own(folder, store)
            yield folder, store
        return
    name = send(folder.socket_path, "snapshot", _WITHIN_S)
    if not _NAME.fullmatch(name):
        raise RunError(f"{folder.path}: who trades there answers with no snapshot: {name}")
    snapshot = PaperFolder(folder.snapshots_path / name)
    try:
        with PaperStore(snapshot.store_path, True, exports) as store:
            require_own(snapshot, store)
            yield snapshot, store
    except RunError as error:  # of the session: what is removed at once tells nobody anything
        raise RunError(str(error).replace(str(snapshot.path), str(folder.path))) from error
    finally:
        shutil.rmtree(snapshot.path, ignore_errors=True)


def _copy_head(path: Path, target: Path, size: int) -> None:
    with target.open("xb") as copy:
        if size:
            with reader(path) as file:
                while size and (part := file.read(min(size, 1 << 20))):
                    copy.write(part)
                    size -= len(part)
