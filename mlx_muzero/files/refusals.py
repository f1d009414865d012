"""Turns file errors of the system into messages with the path and a remedy.

Code that opens files may let an `OSError` escape; the command line reports it with
`as_storage_error`. Code that writes to a descriptor, whose errors lack a path, wraps that in
`named`. Code that knows a better remedy than to start again wraps it in `explained`.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_muzero.errors import StorageError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
START_AGAIN = "start again."

_REASONS = {
    errno.EACCES: ("permission denied", "Change its permissions"),
    errno.EPERM: ("permission denied", "Change its permissions"),
    errno.EROFS: ("it is on a read-only file system", "Choose another place"),
    errno.ENOENT: ("no such file or folder", "Name one that exists"),
    errno.ENOTDIR: ("part of the path is a file, not a folder", "Choose another place"),
    errno.EISDIR: ("it is a folder, not a file", "Name a file"),
    errno.EEXIST: ("something else has that name", "Choose another name"),
    errno.ENOTEMPTY: ("something else has that name", "Choose another name"),
    errno.ENAMETOOLONG: ("the name is too long for this file system", "Choose a shorter one"),
    errno.ELOOP: ("its symbolic links form a loop", "Name the file itself"),
    errno.EFBIG: ("it would be larger than this system allows", "Choose another place"),
    errno.EIO: ("the disk cannot be read or written", "Check the disk"),
    errno.EMFILE: ("too many files are open", "Allow more (ulimit -n)"),
    errno.ENFILE: ("too many files are open", "Close other programs"),
    **dict.fromkeys(DISK_FULL, ("the disk is full", "Make room there")),
}
"""The meaning of an error number to the user, and what to do."""
_OF_NO_FILE = (*DISK_FULL, errno.EIO, errno.EMFILE, errno.ENFILE)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Add `path` to a system error that names no file, as those of writes do not."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def explained(way_on: str) -> Iterator[None]:
    """Explain file errors of the system, what to do, and `way_on`, which ends the sentence.

    Raises:
        StorageError: replaces a system error about a file.
    """
    try:
        yield
    except OSError as error:
        failure = as_storage_error(error, way_on)
        if failure is None:
            raise
        raise failure from error


def as_storage_error(error: OSError, way_on: str = START_AGAIN) -> StorageError | None:
    """The error to report for `error`; None if it concerns no file, but a bug or a feed."""
    about_file = error.filename is not None or error.errno in _OF_NO_FILE
    if error.errno is None or not about_file:
        return None
    where = "" if error.filename is None else f"{_text(error.filename)}: "
    why, remedy = _REASONS.get(error.errno, (error.strerror or "refused", "Fix that"))
    return StorageError(f"{where}{why}. {remedy}, then {way_on}")


def why_unreadable(error: Exception) -> str:
    """Why a text cannot be read or used, without its path; worded as above if possible."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 text ({error.reason} at byte {error.start})"
    if not isinstance(error, OSError):
        return str(error)
    why, _ = _REASONS.get(error.errno or 0, (error.strerror or str(error), ""))
    return why


def _text(filename: object) -> str:
    """A path as text; the system returns bytes or a descriptor if it was given one."""
    if isinstance(filename, bytes):
        return filename.decode(errors="replace")
    return str(filename)
