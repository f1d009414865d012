"""This machine's clocks, passed as an argument so that tests can use a virtual one."""

import asyncio
import time
from typing import Protocol

from mlx_muzero.timeunits import SECOND_NS


class Clock(Protocol):
    """The clocks a feed uses."""

    def wall_ns(self) -> int:
        """UTC nanoseconds since 1970; may jump."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since some start; never jumps, and stands still while the machine sleeps."""

    async def sleep(self, duration_ns: int) -> None:
        """Wait by the monotonic clock; return at once if `duration_ns` is not positive."""


class SystemClock:
    """The clocks of the operating system."""

    def wall_ns(self) -> int:
        """See `Clock.wall_ns`."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """See `Clock.monotonic_ns`."""
        return time.monotonic_ns()

    async def sleep(self, duration_ns: int) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(max(duration_ns, 0) / SECOND_NS)


async def wait_for(event: asyncio.Event, duration_ns: int, clock: Clock) -> bool:
    """Wait until `event` is set, at most `duration_ns`; return whether it was set."""
    waits = [asyncio.create_task(event.wait()), asyncio.create_task(clock.sleep(duration_ns))]
    try:
        ended, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in ended:
            wait.result()
    finally:
        for wait in waits:
            wait.cancel()
    return event.is_set()
