"""Detects streams that have been silent for too long, by the hours of their market."""

from mlx_muzero.venues.hours import Hours


class Heartbeat:
    """Measures the silence of one stream.

    Args:
        hours: when the market is open; silence while it is closed does not count.
        limit_ns: longest silence allowed.
        now_ns: when listening began.
    """

    def __init__(self, hours: Hours, limit_ns: int, now_ns: int) -> None:
        self._hours, self._limit_ns = hours, limit_ns
        self._last_ns = now_ns
        self._told = False

    def beat(self, now_ns: int) -> None:
        """Record that something arrived."""
        self._last_ns = now_ns
        self._told = False

    def silent_ns(self, now_ns: int) -> int:
        """Open market time since something last arrived."""
        return self._hours.open_ns(self._last_ns, now_ns)

    def missed(self, now_ns: int) -> bool:
        """True once for every silence that exceeds the limit."""
        if self._told or self.silent_ns(now_ns) <= self._limit_ns:
            return False
        self._told = True
        return True
