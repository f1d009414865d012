"""What all connections of a feed wait at when the venue wants to be left alone."""

from mlx_muzero.venues.clock import Clock


class Cooldown:
    """Keeps nobody waiting, until it begins."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_ns = clock.monotonic_ns()

    def begin(self, duration_ns: int) -> None:
        """Let nobody pass for `duration_ns` from now."""
        self._ends_ns = max(self._ends_ns, self._clock.monotonic_ns() + duration_ns)

    async def wait(self) -> None:
        """Wait until it ends."""
        while (left_ns := self._ends_ns - self._clock.monotonic_ns()) > 0:
            await self._clock.sleep(left_ns)
