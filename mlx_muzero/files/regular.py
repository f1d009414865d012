"""Opens the files of a run folder only if they are regular files.

A run folder may come from a stranger. Symbolic links in it are not followed: emptying a lock or
appending a line through one would change someone else's file. A FIFO never blocks, no device is
read, and no more is read than a file of its kind can hold.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from mlx_muzero.files.refusals import named

MOST_LINE_BYTES = 2**20
"""Longest line to read; a minute of a thousand pairs takes less."""

OVERLONG = b"overlong\n"
"""Replaces a line that is too long."""

MOST_BYTES = 64 * 2**20
"""Largest file to read as a whole."""


def descriptor(path: Path, flags: int = os.O_RDONLY, *, follow: bool = False) -> int:
    """Open `path` like `os.open`, creating it if `flags` say so.

    Args:
        path: the file.
        flags: flags of `os.open`.
        follow: whether to follow a symbolic link, for files that a user may keep elsewhere.

    Raises:
        OSError: it cannot be opened, or is not a regular file; its `strerror` says which.
    """
    flags |= os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        opened = os.open(path, flags, 0o644)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK) and path.is_symlink():
            raise _refusal(path, "is a symbolic link, which is not followed here") from None
        if error.errno == errno.ENXIO:
            raise _refusal(path, "is a pipe, socket or device, not a regular file") from None
        raise
    if stat.S_ISREG(os.fstat(opened).st_mode):
        return opened
    os.close(opened)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise _refusal(path, "is a pipe, socket or device, not a regular file")


def reader(path: Path, *, follow: bool = False) -> BufferedReader:
    """Open the file for reading; errors as `descriptor`."""
    return os.fdopen(descriptor(path, follow=follow), "rb")


def bounded_lines(file: BufferedReader) -> Iterator[tuple[bytes, int]]:
    """Lines from the current position of `file`, each with its length in bytes.

    A line longer than `MOST_LINE_BYTES` is replaced by `OVERLONG`. The last line may lack its
    newline; if it is overlong it is omitted, after reading at most `MOST_BYTES` of it.
    """
    while line := file.readline(MOST_LINE_BYTES):
        length = len(line)
        if length == MOST_LINE_BYTES and not line.endswith(b"\n"):
            while not line.endswith(b"\n"):
                line = file.readline(MOST_LINE_BYTES)
                length += len(line)
                if not line or length > MOST_BYTES:
                    return
            line = OVERLONG
        yield line, length


def require(path: Path) -> None:
    """Raise as `descriptor` unless `path` is a readable regular file."""
    os.close(descriptor(path))


def read_text(path: Path, *, most: int = MOST_BYTES, follow: bool = False) -> str:
    """The entire file as text.

    Raises:
        OSError: as `descriptor`, or it is larger than `most` bytes.
        UnicodeDecodeError: it is not UTF-8.
    """
    with reader(path, follow=follow) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise _refusal(path, f"is larger than {most:,} bytes")
    return data.decode()


def partial_of(path: Path) -> Path:
    """Where what becomes `path` is written until it is whole; a kill may leave it."""
    return path.with_name(f"{path.name}.partial")


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` durably and atomically, replacing anything there.

    Raises:
        OSError: it cannot be written.
    """
    partial = partial_of(path)
    # Anything left there is removed, never written through.
    partial.unlink(missing_ok=True)
    opened = descriptor(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with named(path), os.fdopen(opened, "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def require_folder(path: Path) -> None:
    """Raise OSError if `path` is a symbolic link; a run's folders must lie inside it."""
    if path.is_symlink():
        raise _refusal(path, "is a symbolic link, which is not followed here")


def remove(path: Path) -> None:
    """Remove whatever is at `path`; a link itself, not its target."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def require_plain(folder: Path, but: str = "") -> None:
    """Raise OSError if `folder` has links, pipes, sockets or devices other than `but`.

    After this check, any library may write to, truncate and remove the files named in a run folder:
    they are all inside it.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.name == but:
                continue
            if entry.is_symlink():
                require_folder(path)
            if not (entry.is_dir() or entry.is_file()):
                raise _refusal(path, "is a pipe, socket or device, not a regular file")


def _refusal(path: Path, why: str) -> OSError:
    return OSError(errno.EINVAL, f"it {why}", str(path))
