"""Makes all connections of a feed wait when the venue asks to be left alone."""

from mlx_muzero.venues.clock import Clock


class Cooldown:
    """Blocks for a while once `begin` is called; until then `wait` returns at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_ns = clock.monotonic_ns()

    def begin(self, duration_ns: int) -> None:
        """Block for `duration_ns` from now."""
        self._ends_ns = max(self._ends_ns, self._clock.monotonic_ns() + duration_ns)

    async def wait(self) -> None:
        """Wait until the cooldown ends."""
        while (left_ns := self._ends_ns - self._clock.monotonic_ns()) > 0:
            await self._clock.sleep(left_ns)
