"""Work beside the trainer's own thread."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")

JOIN_TIMEOUT_S = 5.0
"""How long a stopped run waits for a decision or an export under way."""


def in_thread(work: Callable[[], ResultT]) -> Future[ResultT]:
    """What `work` returns or raises, done in a thread that does not keep the program alive.

    Executors do, and so a load that hangs would keep a stopped run from ending.
    """
    future: Future[ResultT] = Future()
    Thread(target=_run, args=(work, future), daemon=True).start()
    return future


def join(work: Future[Any] | None) -> None:
    """Waits a moment for work that was told to end."""
    if work is not None:
        wait([work], JOIN_TIMEOUT_S)


def _run(work: Callable[[], ResultT], future: Future[ResultT]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
        # The error remembers this frame: without this both would live on, and all `work` holds.
        del future, work
