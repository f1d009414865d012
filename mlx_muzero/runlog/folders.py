"""Atomic writes: folders and lines that are complete or absent, whenever the program stops."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_muzero.files.refusals import named
from mlx_muzero.files.regular import descriptor, partial_of, reader, remove


def flush(path: Path) -> None:
    """Make a file or a folder's entries durable."""
    opened = os.open(path, os.O_RDONLY)
    try:
        # On macOS, fsync leaves the data in the drive's cache.
        if hasattr(fcntl, "F_FULLFSYNC") and path.is_file():
            fcntl.fcntl(opened, fcntl.F_FULLFSYNC)
        else:
            os.fsync(opened)
    finally:
        os.close(opened)


def flush_tree(folder: Path) -> None:
    """Make everything in `folder` durable."""
    for path in (*folder.rglob("*"), folder):
        flush(path)


def append_line(path: Path, line: bytes) -> None:
    """Append a line to a file that others are reading, in one write so that lines never interleave.

    A partial line left by a killed process is terminated first; readers skip it.

    Raises:
        OSError: the file cannot be written, or is not a regular file.
    """
    data = line + b"\n"
    if _ends_in_torn_line(path):
        data = b"\n" + data
    opened = descriptor(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        with named(path):
            # One call writes everything, unless the disk is full: then the next one raises.
            while data:
                data = data[os.write(opened, data) :]
    finally:
        os.close(opened)


def _ends_in_torn_line(path: Path) -> bool:
    try:
        with reader(path) as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:
        return False


@contextmanager
def replaced(target: Path) -> Iterator[Path]:
    """An empty folder to fill, which replaces `target` when the block ends without an error.

    If the block raises, `target` is unchanged.

    Raises:
        BlockingIOError: another process is replacing `target`.
    """
    partial = partial_of(target)
    previous = target.with_name(f"{target.name}.previous")
    partial.mkdir(parents=True, exist_ok=True)
    # Not through a link, because the folder's contents are deleted.
    held = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            _recover(target, previous)
            _empty(partial)
            yield partial
            flush_tree(partial)
            _move(partial, target, previous)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    finally:
        os.close(held)


def _recover(target: Path, previous: Path) -> None:
    """Clean up after a process that was killed while moving folders."""
    if previous.exists():
        remove(previous) if target.exists() else previous.rename(target)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        remove(path)


def _move(partial: Path, target: Path, previous: Path) -> None:
    """Replace `target` by `partial`; whatever fails, one of them is in place."""
    if target.exists():
        target.rename(previous)
    try:
        partial.rename(target)
    except BaseException:
        if previous.exists():
            previous.rename(target)
        raise
    flush(target.parent)
    shutil.rmtree(previous, ignore_errors=True)
