"""Runs coroutines in the virtual time that the soak of paper trading runs in too."""

import asyncio

from soaking.virtual_time import MONDAY_NS, SECOND_NS, VirtualClock, VirtualTimeLoop

__all__ = ["GRACE_S", "MONDAY_NS", "SECOND_NS", "VirtualClock", "VirtualTimeLoop", "collect", "run"]

# Loopback delivers at once; this only has to outlast a hiccup of the kernel. (select, unlike
# epoll, waits for less than a millisecond.)
GRACE_S = 0.0001


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
