"""Folders that are whole or absent, whenever the program is stopped."""

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
