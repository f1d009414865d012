"""Marks an export as played by this process, so that nobody removes it meanwhile.

The mark is a shared lock of the export's folder, which the system releases however the process
ends. Whoever would remove an export needs the lock for itself.
"""

import fcntl
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class InUse:
    """Holds the shared lock of the export in `folder` as long as this object lives.

    Nothing is held where there is no folder, or on a file system without such locks.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with suppress(OSError):
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, held)
            fcntl.flock(held, fcntl.LOCK_SH)


@contextmanager
def unused(folder: Path) -> Iterator[bool]:
    """Hold the lock of `folder` exclusively; False if a process plays or makes what is in it.

    Raises:
        OSError: the folder cannot be opened, or is a link.
    """
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        free = False
    else:
        free = True
    try:
        yield free
    finally:
        os.close(held)
