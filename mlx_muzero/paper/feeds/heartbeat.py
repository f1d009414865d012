"""Whether a stream has been silent for too long, by the hours of its market."""

from mlx_muzero.venues.hours import Hours


class Heartbeat:
    """Silence of one stream.

    Args:
        hours: when the market is open; silence while it is closed does not count.
        limit_ns: silence that is too long.
        now_ns: when listening began.
    """

    def __init__(self, hours: Hours, limit_ns: int, now_ns: int) -> None:
        self._hours, self._limit_ns = hours, limit_ns
        self._last_ns = now_ns
        self._told = False

    def beat(self, now_ns: int) -> None:
        """Something came."""
        self._last_ns = now_ns
        self._told = False

    def silent_ns(self, now_ns: int) -> int:
        """Open market time since something came."""
        return self._hours.open_ns(self._last_ns, now_ns)

    def missed(self, now_ns: int) -> bool:
        """True once for every silence that is too long."""
        if self._told or self.silent_ns(now_ns) <= self._limit_ns:
            return False
        self._told = True
        return True
