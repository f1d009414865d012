"""A second stream of the CPU, for what the course of a training step need not wait for.

MLX computes a stream's operations one after another in a thread of its own. What hangs on the chain
of latents, the heads with their losses and the gradients of weights, lies beside that chain: where
another core stands idle, it is computed there meanwhile. The operations are the same, and so are
all results, to the last bit.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import mlx.core as mx


class _OfThread(threading.local):
    """A thread can only use streams that it made; one serves it for ever."""

    stream: mx.Stream | None = None
    used: bool = False


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


def aside() -> AbstractContextManager[object]:
    """Operations made within are computed on the second stream, if it is in use."""
    if _mine.used and _mine.stream is not None:
        return mx.stream(_mine.stream)
    return nullcontext()
