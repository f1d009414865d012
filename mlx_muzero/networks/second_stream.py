"""A second stream of the CPU, for what the course of a training step need not wait for.

MLX computes a stream's operations one after another in a thread of its own. What hangs on the chain
of latents, the value head and the gradients of weights, lies beside that chain: where another core
stands idle, it is computed there meanwhile. The operations are the same, and so are all results, to
the last bit.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

import mlx.core as mx


class Place(Enum):
    """Where something is computed, and what waits for it.

    Attributes:
        CHAIN: on the first stream, where the chain of latents is.
        ASIDE: on the second.
        LEADING: on the first, for what is computed aside: its gradient waits for the second.
    """

    CHAIN = auto()
    ASIDE = auto()
    LEADING = auto()


class _OfThread(threading.local):
    """A thread can only use streams that it made; one serves it for ever."""

    stream: mx.Stream | None = None
    used: bool = False
    place: Place = Place.CHAIN


_mine = _OfThread()


@contextmanager
def two_streams(wanted: bool) -> Iterator[None]:
    """If `wanted`, what this thread makes `aside` meanwhile is computed on a second stream."""
    if wanted and _mine.stream is None:
        _mine.stream = mx.new_stream(mx.cpu)
    before, _mine.used = _mine.used, wanted
    try:
        yield
    finally:
        _mine.used = before


@contextmanager
def aside(wanted: bool = True) -> Iterator[None]:
    """If `wanted`, operations made within are computed on the second stream, if it is in use."""
    if not wanted or not _mine.used or _mine.stream is None:
        yield
        return
    with _at(Place.ASIDE), mx.stream(_mine.stream):
        yield


@contextmanager
def leading_aside() -> Iterator[None]:
    """What is made within leads to what is computed aside, if a second stream is in use."""
    with _at(Place.LEADING if _mine.used else Place.CHAIN):
        yield


def place() -> Place:
    """Where what is made now is computed."""
    return _mine.place


@contextmanager
def _at(there: Place) -> Iterator[None]:
    before, _mine.place = _mine.place, there
    try:
        yield
    finally:
        _mine.place = before
