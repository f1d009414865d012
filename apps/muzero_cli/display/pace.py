"""How long work will still take, at the pace at which it has been reported so far."""

LEAST_S = 5.0
"""Reports over less time than this say nothing about the rest."""


class Pace:
    """Work of which it is reported now and then how much is done.

    The first report only starts the clock: loading and compiling, which come before it, happen
    once. So does what an earlier process did.
    """

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None
        self._done = 0.0

    def reach(self, done: float, now_s: float) -> None:
        """So much is `done` at a time."""
        if self._began is None:
            self._began = done, now_s
        self._done = done

    def left_s(self, total: float, now_s: float) -> float | None:
        """Seconds until `total` is done; None while nobody can tell."""
        if self._began is None:
            return None
        done, seconds = self._done - self._began[0], now_s - self._began[1]
        if done <= 0.0 or seconds < LEAST_S:
            return None
        return seconds / done * max(total - self._done, 0.0)
