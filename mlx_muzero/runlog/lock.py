"""The lock of a run folder: a file that one process holds, containing its PID."""

import errno
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_muzero.files.refusals import named
from mlx_muzero.files.regular import descriptor, reader

_MOST_BYTES = 32
"""A lock contains a PID."""

_PROCESS = re.compile(rb"[1-9]\d{0,9}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `path` exclusively; the system releases it however the process ends.

    Raises:
        BlockingIOError: another process holds it; the text is its PID, "?" if unknown.
        OSError: it cannot be written, or contains something other than a lock.
    """
    with os.fdopen(descriptor(path, os.O_RDWR | os.O_CREAT), "rb+", buffering=0) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(str(lock_number(lock.read(_MOST_BYTES)) or "?")) from None
        found = lock.read(_MOST_BYTES)
        if found.strip() and lock_number(found) is None:
            raise OSError(errno.EINVAL, "it contains something other than a lock", str(path))
        with named(path):
            lock.seek(0)
            lock.truncate()
            lock.write(str(os.getpid()).encode())
        yield


def locking_process(path: Path) -> int | None:
    """The PID in `path`, whether or not that process still holds it."""
    try:
        with reader(path) as lock:
            return lock_number(lock.read(_MOST_BYTES))
    except OSError:
        return None


def lock_number(content: bytes) -> int | None:
    """The PID in a lock's content, if there is one."""
    found = _PROCESS.fullmatch(content.strip())
    return int(found[0]) if found and int(found[0]) < 2**31 else None


def lock_holder(path: Path) -> int | None:
    """The PID of the process that holds `path` by `locked`, if any."""
    try:
        with reader(path) as lock:
            content = lock.read(_MOST_BYTES)
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return lock_number(content)
    except OSError:
        pass
    return None
