"""Folders that are whole or absent and lines that are whole, whenever the program is stopped."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_muzero.files.refusals import named
from mlx_muzero.files.regular import descriptor, reader, remove


def flush(path: Path) -> None:
    """Make a file or a folder's entries durable."""
    opened = os.open(path, os.O_RDONLY)
    try:
        # On macOS fsync leaves the data in the drive's own cache.
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
    """Add a line to a file that others read meanwhile; one write, so lines never interleave.

    What a killed process left unfinished is closed first; readers skip it.

    Raises:
        OSError: it cannot be written, or is not a regular file.
    """
    data = line + b"\n"
    if _ends_in_torn_line(path):
        data = b"\n" + data
    opened = descriptor(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        with named(path):
            # All of it in one call, but where the disk is full: then the next one says so.
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
    """An empty folder beside `target` to be filled; it takes its place when all went well.

    When the block raises, `target` stays as it was.

    Raises:
        BlockingIOError: somebody else is replacing `target`.
    """
    partial = target.with_name(f"{target.name}.partial")
    previous = target.with_name(f"{target.name}.previous")
    partial.mkdir(parents=True, exist_ok=True)
    # Not through a link: what is in the folder is removed.
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
    """Undo what a process left that was killed while it moved folders."""
    if previous.exists():
        remove(previous) if target.exists() else previous.rename(target)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        remove(path)


def _move(partial: Path, target: Path, previous: Path) -> None:
    """Put `partial` in the place of `target`; one of them is there, whatever fails."""
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
