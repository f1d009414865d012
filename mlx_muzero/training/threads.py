"""Work beside the trainer's own thread."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

ResultT = TypeVar("ResultT")


def in_thread(work: Callable[[], ResultT]) -> Future[ResultT]:
    """What `work` returns or raises, done in a thread that does not keep the program alive.

    Executors do, and so a load that hangs would keep a stopped run from ending.
    """
    future: Future[ResultT] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future
