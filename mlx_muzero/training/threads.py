"""Runs work in threads next to the trainer's own."""

import weakref
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")

JOIN_TIMEOUT_S = 5.0
"""How long a stopped run waits for a decision or export in progress."""


def in_thread(work: Callable[[], ResultT]) -> Future[ResultT]:
    """Run `work` in a thread that does not keep the program alive; return its future.

    Executor threads do keep it alive, so a load that hangs would keep a stopped run from ending.
    """
    future: Future[ResultT] = Future()
    Thread(target=_run, args=(work, future), daemon=True).start()
    return future


class Worker:
    """A thread that does one piece of work after the other, until nobody has this any more."""

    def __init__(self) -> None:
        self._queue: _Queue = SimpleQueue()
        Thread(target=_serve, args=(self._queue,), daemon=True).start()
        # At exit the thread just stops; it must not end then, while Python is being taken apart.
        weakref.finalize(self, self._queue.put, None).atexit = False

    def submit(self, work: Callable[[], ResultT]) -> Future[ResultT]:
        """Let the thread run `work` after what it was given before; return its future."""
        future: Future[ResultT] = Future()
        self._queue.put((work, future))
        return future


_Queue = SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]


def _serve(queue: _Queue) -> None:
    while (given := queue.get()) is not None:
        _run(*given)
        del given


def join(work: Future[Any] | None) -> None:
    """Wait briefly for work that was asked to end."""
    if work is not None:
        wait([work], JOIN_TIMEOUT_S)


def _run(work: Callable[[], ResultT], future: Future[ResultT]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
        # The error refers to this frame: otherwise both would live on, with all that `work` holds.
        del future, work
