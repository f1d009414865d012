"""A day in a second: an event loop whose time passes only when nobody has anything to do.

Sockets are real, time is not. Before the loop would wait for a timer it looks whether a socket is
ready; only if none is does it set its clock to the timer. So every sleep and timeout, a library's
own included, takes no time and happens in the same order each time.
"""

import asyncio
import selectors

SECOND_NS = 1_000_000_000
MONDAY_NS = 1_740_960_000 * SECOND_NS  # 2025-03-03 00:00 UTC

# Loopback delivers at once; this only has to outlast a hiccup of the kernel. (select, unlike
# epoll, waits for less than a millisecond.)
GRACE_S = 0.0001
DEADLOCK_S = 20.0


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self, grace_s):
        self.now_s = 0.0
        super().__init__(_Selector(self, grace_s))

    def time(self):
        return self.now_s


class _Selector(selectors.SelectSelector):
    def __init__(self, loop, grace_s):
        super().__init__()
        self._loop, self._grace_s = loop, grace_s

    def select(self, timeout=None):
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if ready := super().select(self._grace_s if timeout is not None else DEADLOCK_S):
            return ready
        assert timeout is not None, "nothing will ever happen: a deadlock"
        self._loop.now_s += timeout
        return []


class VirtualClock:
    """A feed's clock on the running loop; `jump_ns` sets the wall clock, `sleep_ns` shuts the lid.

    Closing the lid lets the wall go on while the monotonic clock stands still.
    """

    def __init__(self, start_ns=MONDAY_NS):
        self.start_ns = start_ns
        self.wall_jump_ns = 0

    def monotonic_ns(self):
        return int(asyncio.get_running_loop().time() * SECOND_NS)

    def wall_ns(self):
        return self.start_ns + self.monotonic_ns() + self.wall_jump_ns

    async def sleep(self, duration_ns):
        await asyncio.sleep(max(duration_ns, 0) / SECOND_NS)


def run(coroutine, grace_s=GRACE_S):
    """The result of `coroutine` on a loop of its own."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(grace_s)) as runner:
        return runner.run(coroutine)


async def collect(events, until, limit=100_000):
    """Events up to and including the first for which `until` holds."""
    seen = []
    async for event in events:
        seen.append(event)
        if until(event):
            return seen
        assert len(seen) < limit, "it does not come"
    return seen
