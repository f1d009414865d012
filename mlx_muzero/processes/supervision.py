"""What works beside a process's main flow, so that no part of it ends unseen.

asyncio keeps a task's exception until somebody asks for it, and a thread's goes to stderr alone:
the process lives on without the part. Here the first fault wakes the main flow, which raises it
where it ends the process: with its traceback, an exit code, and whatever has to be said and stopped
before that.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """What a task or thread ended with.

    Attributes:
        what: the part, such as "feed".
        error: the exception as it was raised there.
    """

    what: str
    error: BaseException

    @property
    def reason(self) -> str:
        """The error in one line."""
        return f"{type(self.error).__name__}: {self.error}"


class Supervisor:
    """Watches tasks and threads.

    A part may return. Whatever else ends it, a cancellation nobody here asked for included, is a
    fault; the first one counts.

    Args:
        wake: called with the first fault, in the part's thread, to have the main flow call `check`.
    """

    def __init__(self, wake: Callable[[Fault], None] = lambda _fault: None) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._cancelled: set[asyncio.Task[None]] = set()

    @property
    def fault(self) -> Fault | None:
        """The first fault; None while all is well."""
        return self._fault

    def check(self) -> None:
        """Raise what the first part to fail ended with, if one did."""
        if self._fault is not None:
            raise self._fault.error

    def report(self, what: str, error: BaseException) -> None:
        """Take down a fault; may be called in any thread."""
        with self._lock:
            if self._fault is not None:
                return
            self._fault = Fault(what, error)
        self._wake(self._fault)

    def thread(self, what: str, work: Callable[[], None]) -> threading.Thread:
        """Start `work` in a thread that does not keep the program alive."""

        def watched() -> None:
            try:
                work()
            except BaseException as error:
                self.report(what, error)

        thread = threading.Thread(target=watched, name=what, daemon=True)
        thread.start()
        return thread

    def task(self, what: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start `work` as a task of the running loop; `end` cancels it."""

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if task.cancelled():
                if task not in self._cancelled:
                    self.report(what, RuntimeError(f"{what} was cancelled unexpectedly"))
            elif error := task.exception():
                self.report(what, error)

        task = asyncio.create_task(work, name=what)
        self._tasks.add(task)
        task.add_done_callback(done)
        return task

    def cancel(self, task: asyncio.Task[None]) -> None:
        """Have a task end, which is no fault then."""
        self._cancelled.add(task)
        task.cancel()

    async def end(self) -> None:
        """Cancel the tasks and wait until they have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            self.cancel(task)
        await asyncio.gather(*tasks, return_exceptions=True)
