"""The lock of a run folder: a file that one process holds, with its number in it."""

import errno
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_muzero.files.regular import descriptor, reader

_MOST_BYTES = 32
"""A lock holds the number of a process."""

_PROCESS = re.compile(rb"[1-9]\d{0,9}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """This process alone holds `path`; the system lets go of it however the process ends.

    Raises:
        BlockingIOError: another process holds it; its text is that one's id, "?" if unknown.
        OSError: it cannot be written, or is no lock but somebody's file.
    """
    with os.fdopen(descriptor(path, os.O_RDWR | os.O_CREAT), "rb+", buffering=0) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(str(lock_number(lock.read(_MOST_BYTES)) or "?")) from None
        found = lock.read(_MOST_BYTES)
        if found.strip() and lock_number(found) is None:
            raise OSError(errno.EINVAL, "it holds something else than a lock", str(path))
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()).encode())
        yield


def locking_process(path: Path) -> int | None:
    """Number of the process that `path` names, whether or not it holds it still."""
    try:
        with reader(path) as lock:
            return lock_number(lock.read(_MOST_BYTES))
    except OSError:
        return None


def lock_number(content: bytes) -> int | None:
    """Number of the process that a lock's content names, if it names one."""
    found = _PROCESS.fullmatch(content.strip())
    return int(found[0]) if found and int(found[0]) < 2**31 else None


def lock_holder(path: Path) -> int | None:
    """Number of the process that holds `path` by `locked`, if one does."""
    try:
        with reader(path) as lock:
            content = lock.read(_MOST_BYTES)
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return lock_number(content)
    except OSError:
        pass
    return None
