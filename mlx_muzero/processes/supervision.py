"""Supervises background tasks and threads, so that none of them fails unnoticed.

asyncio keeps a task's exception until someone asks for it, and a thread's goes only to stderr: the
process continues without that part. Here the first fault wakes the main flow, which re-raises it
there, so that the process ends with its traceback and an exit code, after reporting and cleaning
up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


@dataclass(frozen=True)
class Fault:
    """The failure of a task or thread.

    Attributes:
        what: the part that failed, such as "feed".
        error: the exception it raised.
    """

    what: str
    error: BaseException

    @property
    def reason(self) -> str:
        """The error in one line."""
        return f"{type(self.error).__name__}: {self.error}"


class Supervisor:
    """Watches tasks and threads.

    A part may return. Any other end, including an unexpected cancellation, is a fault; the first
    one counts.

    Args:
        wake: called with the first fault, in the failing thread, to make the main flow call
            `check`.
    """

    def __init__(self, wake: Callable[[Fault], None] = lambda _fault: None) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._cancelled: set[asyncio.Task[None]] = set()

    @property
    def fault(self) -> Fault | None:
        """The first fault, or None."""
        return self._fault

    def check(self) -> None:
        """Raise the exception of the first fault, if any."""
        if self._fault is not None:
            raise self._fault.error

    def report(self, what: str, error: BaseException) -> None:
        """Record a fault; may be called from any thread."""
        with self._lock:
            if self._fault is not None:
                return
            self._fault = Fault(what, error)
        self._wake(self._fault)

    def thread(self, what: str, work: Callable[[], None]) -> threading.Thread:
        """Start `work` in a daemon thread."""

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

        import asyncio  # training has threads only, and starts sooner without it

        task = asyncio.create_task(work, name=what)
        self._tasks.add(task)
        task.add_done_callback(done)
        return task

    def cancel(self, task: asyncio.Task[None]) -> None:
        """Cancel a task without counting it as a fault."""
        self._cancelled.add(task)
        task.cancel()

    async def end(self) -> None:
        """Cancel all tasks and wait for them to end."""
        import asyncio

        tasks = list(self._tasks)
        for task in tasks:
            self.cancel(task)
        await asyncio.gather(*tasks, return_exceptions=True)
