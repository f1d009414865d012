"""A second stream of the CPU, for what the course of a training step need not wait for.

MLX computes a stream's operations one after another in a thread of its own. What hangs on the chain
of latents, the value head and the gradients of weights, lies beside that chain: where another core
stands idle, it is computed there meanwhile. The operations are the same, and so are all results, to
the last bit.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import mlx.core as mx


class _OfThread(threading.local):
    """A thread can only use streams that it made; one serves it for ever."""

    stream: mx.Stream | None = None
    used: bool = False
    aside: bool = False


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
def aside() -> Iterator[None]:
    """Operations made within are computed on the second stream, if it is in use."""
    if not _mine.used or _mine.stream is None:
        yield
        return
    before, _mine.aside = _mine.aside, True
    try:
        with mx.stream(_mine.stream):
            yield
    finally:
        _mine.aside = before


def is_aside() -> bool:
    """Whether what is made now is computed on the second stream."""
    return _mine.aside
