"""Runs work in threads next to the trainer's own."""

from collections.abc import Callable
from concurrent.futures import Future, wait
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
