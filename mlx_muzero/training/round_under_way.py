"""A round that is played in another thread while the trainer's own goes on."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

from mlx_muzero.training.collector import Round
from mlx_muzero.training.threads import in_thread, join
from mlx_muzero.types import Advance

_WAIT_S = 0.05
"""How often the trainer receives progress while it waits for a round."""


class _Closed(Exception):
    """The round was abandoned while it was being played."""


class RoundUnderWay:
    """At most one round at a time; all methods are called from the trainer's thread."""

    def __init__(self) -> None:
        self._round: Future[Round] | None = None
        self._decisions = 0
        self._closed = threading.Event()

    @property
    def begun(self) -> bool:
        """Whether a round was begun that nobody has waited for."""
        return self._round is not None

    def begin(self, play: Callable[[Advance], Round]) -> None:
        """Let `play`, which tells of its decisions, play a round from now on."""
        self._round = in_thread(lambda: play(self._decided))

    def wait(self, tick: Advance) -> Round:
        """Return the round that was begun, once it is played.

        Args:
            tick: receives the decisions made during the wait; an exception it raises ends the wait.
        """
        assert self._round is not None
        heard = self._decisions
        while not wait([self._round], _WAIT_S).done:
            decisions = self._decisions
            tick(decisions - heard)
            heard = decisions
        played, self._round = self._round, None
        return played.result()

    def close(self) -> None:
        """Abandon the round."""
        self._closed.set()
        join(self._round)

    def _decided(self, count: int) -> None:
        """Count decisions; called in the thread that plays."""
        if self._closed.is_set():
            raise _Closed
        self._decisions += count
