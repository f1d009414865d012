"""Folders that are whole or absent and lines that are whole, whenever the program is stopped."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def flush(path: Path) -> None:
    """Make a file or a folder's entries durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_tree(folder: Path) -> None:
    """Make everything in `folder` durable."""
    for path in (*folder.rglob("*"), folder):
        flush(path)


def append_line(path: Path, line: bytes) -> None:
    """Add a line to a file that others read meanwhile; one write, so lines never interleave.

    What a killed process left unfinished is closed first; readers skip it.
    """
    data = line + b"\n"
    if _ends_in_torn_line(path):
        data = b"\n" + data
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        # All of it in one call, but where the disk is full: then the next one says so.
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def _ends_in_torn_line(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:
        return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """This process alone holds `path`; the system lets go of it however the process ends.

    Raises:
        BlockingIOError: another process holds it; its text is that one's id, "?" if unknown.
    """
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise BlockingIOError(lock.read().strip() or "?") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def lock_holder(path: Path) -> int | None:
    """Number of the process that holds `path` by `locked`, if one does."""
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(path.read_text() or 0) or None
    except FileNotFoundError:
        pass
    return None


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
    held = os.open(partial, os.O_RDONLY)
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
        shutil.rmtree(previous) if target.exists() else previous.rename(target)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


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
