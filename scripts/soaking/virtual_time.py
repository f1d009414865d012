"""A day in a second: an event loop whose time passes only when nobody has anything to do.

Sockets and threads are real, time is not. Before the loop would wait for a timer it looks whether a
socket is ready; only if none is, and no thread works for the loop, does it set its clock to the
timer. So every sleep and timeout, a library's own included, takes no time and happens in the same
order each time.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

SECOND_NS = 1_000_000_000
MONDAY_NS = 1_740_960_000 * SECOND_NS  # 2025-03-03 00:00 UTC

DEADLOCK_S = 20.0

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop.

    Args:
        grace_s: how long sockets may take before a timer is due.
        passed: called with the loop's time in seconds whenever it has moved on.
    """

    def __init__(self, grace_s: float, passed: Callable[[float], None] = lambda _now: None) -> None:
        self.now_s = 0.0
        self.threads = 0  # that work for the loop
        self.passed = passed
        super().__init__(_Selector(self, grace_s))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self.now_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        """See `asyncio.loop.run_in_executor`; no time passes until the thread is done."""
        future = super().run_in_executor(executor, func, *args)
        self.threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _future: asyncio.Future[Any]) -> None:
        self.threads -= 1


class _Selector(selectors.SelectSelector):
    def __init__(self, loop: VirtualTimeLoop, grace_s: float) -> None:
        super().__init__()
        self._loop, self._grace_s = loop, grace_s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        waits = timeout is None or self._loop.threads > 0
        if ready := super().select(DEADLOCK_S if waits else self._grace_s):
            return ready
        assert timeout is not None, "nothing will ever happen: a deadlock"
        self._loop.now_s += timeout
        self._loop.passed(self._loop.now_s)
        return []


class VirtualClock:
    """A feed's clock on the running loop; `wall_jump_ns` sets the wall clock.

    A machine that sleeps lets the wall go on while the monotonic clock stands still.
    """

    def __init__(self, start_ns: int = MONDAY_NS) -> None:
        self.start_ns = start_ns
        self.wall_jump_ns = 0

    def monotonic_ns(self) -> int:
        """Virtual time since the loop was made."""
        return int(asyncio.get_running_loop().time() * SECOND_NS)

    def wall_ns(self) -> int:
        """What the machine's clock on the wall says."""
        return self.start_ns + self.monotonic_ns() + self.wall_jump_ns

    async def sleep(self, duration_ns: int) -> None:
        """Wait by the monotonic clock."""
        await asyncio.sleep(max(duration_ns, 0) / SECOND_NS)
