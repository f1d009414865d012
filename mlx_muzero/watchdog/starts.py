"""How often a session was started again: a bound by the hour, and a pause that grows."""

from collections.abc import Iterable

HOUR_S = 3600.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 10.0, 600.0


class Starts:
    """Starts of a session within the last hour.

    Args:
        most: how many there may be.
        times_s: those before this process, as seconds since 1970.
        count: all starts ever.
    """

    def __init__(self, most: int, times_s: Iterable[float] = (), count: int = 0) -> None:
        self._most, self.times_s, self.count = most, list(times_s), count

    def why_not(self, now_s: float) -> str | None:
        """Why the session may not be started now; None if it may, empty if it only has to wait."""
        # A clock that was set back must neither block the session for ever nor free it.
        self.times_s = [time_s for time_s in self.times_s if abs(now_s - time_s) < HOUR_S]
        if len(self.times_s) >= self._most:
            return f"it was started {len(self.times_s)} times within the hour, and may be no more"
        if not self.times_s:
            return None
        pause_s = min(_FIRST_PAUSE_S * 2.0 ** (len(self.times_s) - 1), _LONGEST_PAUSE_S)
        return "" if abs(now_s - self.times_s[-1]) < pause_s else None

    def add(self, now_s: float) -> str:
        """Record a start; return which one it is, in words."""
        self.times_s.append(now_s)
        self.count += 1
        return f"{len(self.times_s)} of {self._most} within an hour"
