"""Files of a run folder, opened only where they are regular files.

A run folder may come from a stranger. A symbolic link in it is not followed: through one, a lock
that is emptied or a line that is appended would be somebody else's file. Nothing waits for a FIFO,
no device is read, and no more is read than a file of its kind can hold.
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
"""Of a line that is read whole; a minute of a thousand pairs has fewer."""

OVERLONG = b"overlong\n"
"""Stands for a line that is not read."""

MOST_BYTES = 64 * 2**20
"""Of a file that is read whole."""


def descriptor(path: Path, flags: int = os.O_RDONLY, *, follow: bool = False) -> int:
    """`path` opened as `os.open` does, made where `flags` say so.

    Args:
        path: the file.
        flags: of `os.open`.
        follow: a symbolic link too, as for files that a user keeps elsewhere on purpose.

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
            raise _refusal(path, "is a pipe, socket or device, no regular file") from None
        raise
    if stat.S_ISREG(os.fstat(opened).st_mode):
        return opened
    os.close(opened)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise _refusal(path, "is a pipe, socket or device, no regular file")


def reader(path: Path, *, follow: bool = False) -> BufferedReader:
    """The file to be read; errors as `descriptor`."""
    return os.fdopen(descriptor(path, follow=follow), "rb")


def bounded_lines(file: BufferedReader) -> Iterator[tuple[bytes, int]]:
    """Lines from where `file` stands, each with its length in bytes.

    One longer than `MOST_LINE_BYTES` comes as `OVERLONG`. The last one may lack its end; if it is
    overlong it does not come at all, and no more than `MOST_BYTES` of it are read.
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
    """Raise as `descriptor` unless `path` is a regular file that can be read."""
    os.close(descriptor(path))


def read_text(path: Path, *, most: int = MOST_BYTES, follow: bool = False) -> str:
    """The whole file as text.

    Raises:
        OSError: as `descriptor`, or it is larger than `most` bytes.
        UnicodeDecodeError: it is not UTF-8.
    """
    with reader(path, follow=follow) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise _refusal(path, f"is larger than {most:,} bytes")
    return data.decode()


def write_text(path: Path, text: str) -> None:
    """Put `text` at `path`, durably and whole or not at all, whatever was there.

    Raises:
        OSError: it cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    # What somebody left there is removed, never written through.
    partial.unlink(missing_ok=True)
    opened = descriptor(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with named(path), os.fdopen(opened, "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def require_folder(path: Path) -> None:
    """Raise an OSError if `path` is a symbolic link; a folder of a run lies in the run."""
    if path.is_symlink():
        raise _refusal(path, "is a symbolic link, which is not followed here")


def remove(path: Path) -> None:
    """Remove what is at `path`, if anything is; of a link, the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def require_plain(folder: Path, but: str = "") -> None:
    """Raise an OSError if `folder` holds links, pipes, sockets or devices, other than `but`.

    Whoever holds a run folder may then write to, empty and remove what its names say, by whatever
    library: it all lies in there.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.name == but:
                continue
            if entry.is_symlink():
                require_folder(path)
            if not (entry.is_dir() or entry.is_file()):
                raise _refusal(path, "is a pipe, socket or device, no regular file")


def _refusal(path: Path, why: str) -> OSError:
    return OSError(errno.EINVAL, f"it {why}", str(path))
