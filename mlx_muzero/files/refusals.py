"""Where the system refuses a file: what a user is told of it, with the path and a way on.

Whatever opens files may let an `OSError` out; the command line tells of it by `told`. What writes
by a descriptor, whose errors name no file, does so in `named`. What knows more of the way on than
to start again says so by `explained`.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_muzero.errors import StorageError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
START_AGAIN = "start again."

_REASONS = {
    errno.EACCES: ("this user may not do that there", "Change its permissions"),
    errno.EPERM: ("this user may not do that there", "Change its permissions"),
    errno.EROFS: ("it is on a file system that cannot be written", "Choose another place"),
    errno.ENOENT: ("no such file or folder", "Name one that is there"),
    errno.ENOTDIR: ("part of the path is a file, not a folder", "Choose another place"),
    errno.EISDIR: ("it is a folder, not a file", "Name a file"),
    errno.EEXIST: ("there is something else of that name", "Choose another name"),
    errno.ENOTEMPTY: ("there is something else of that name", "Choose another name"),
    errno.ENAMETOOLONG: ("the name is too long for this file system", "Choose a shorter one"),
    errno.ELOOP: ("its links lead nowhere", "Name the file itself"),
    errno.EFBIG: ("it would be larger than this system allows", "Choose another place"),
    errno.EIO: ("the disk cannot be read or written", "Look after it"),
    errno.EMFILE: ("too many files are open", "Allow more (ulimit -n)"),
    errno.ENFILE: ("too many files are open", "Close other programs"),
    **dict.fromkeys(DISK_FULL, ("the disk is full", "Make room there")),
}
"""What an error number means for a user, and what to do."""
_OF_NO_FILE = (*DISK_FULL, errno.EIO, errno.EMFILE, errno.ENFILE)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Names `path` in an error of the system that names no file, as those of a write do."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def explained(way_on: str) -> Iterator[None]:
    """Tells of files the system refuses, what to do, and then of `way_on`, which ends the sentence.

    Raises:
        StorageError: in the place of an error of the system that is about a file.
    """
    try:
        yield
    except OSError as error:
        failure = told(error, way_on)
        if failure is None:
            raise
        raise failure from error


def told(error: OSError, way_on: str = START_AGAIN) -> StorageError | None:
    """What a user is told of `error`; None if it is about no file, and so a bug or a feed's."""
    about_file = error.filename is not None or error.errno in _OF_NO_FILE
    if error.errno is None or not about_file:
        return None
    where = "" if error.filename is None else f"{_text(error.filename)}: "
    why, remedy = _REASONS.get(error.errno, (error.strerror or "refused", "Mend that"))
    return StorageError(f"{where}{why}. {remedy}, then {way_on}")


def why_unreadable(error: Exception) -> str:
    """Why a text cannot be read or taken in, without its path: where it can, in `told`'s words."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 text ({error.reason} at byte {error.start})"
    if not isinstance(error, OSError):
        return str(error)
    why, _ = _REASONS.get(error.errno or 0, (error.strerror or str(error), ""))
    return why


def _text(filename: object) -> str:
    """A path as text; the system gives bytes or a descriptor where it was asked with those."""
    if isinstance(filename, bytes):
        return filename.decode(errors="replace")
    return str(filename)
