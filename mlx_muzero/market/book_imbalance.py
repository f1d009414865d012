"""The imbalance of an order book in every minute, of files and of live feeds alike.

At every whole second the book counts as the messages stamped before that second left it. A
minute's value is the mean over its seconds, known at its close; the second at which it ends belongs
to it.
"""

from collections.abc import Callable, Sequence

import numpy as np

from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS

LEVELS = 10
"""Number of best levels of each side that count."""

SECONDS_NEEDED = 30
"""Number of seconds with a known book that a minute needs to have a value."""

QUIET_NS = 5 * SECOND_NS
"""Time without a message after which the book is no longer known."""


def imbalance(bids: Sequence[float], asks: Sequence[float]) -> float | None:
    """(B - A) / (B + A) of the quantities on the best levels; None if a side is empty.

    Args:
        bids: quantities of the `LEVELS` best levels, or of as many as there are, the best first.
        asks: the same of the other side.
    """
    if not bids or not asks:
        return None
    bid, ask = sum(bids), sum(asks)
    return (bid - ask) / (bid + ask)


class BookMinutes:
    """Samples one book second by second.

    Attributes:
        last_ns: latest time of a message.
        skipped: number of minutes that had a known book for too few seconds.
    """

    def __init__(self) -> None:
        self.last_ns = self.skipped = 0
        self._due_ns = 0
        self._sampled: dict[int, list[float]] = {}  # by minute

    def advance(self, now_ns: int, now: Callable[[], float | None]) -> None:
        """Sample all seconds up to a message, which has not been applied yet.

        Args:
            now_ns: the message's time.
            now: imbalance of the book as it was before; None if unknown.
        """
        if now_ns - self.last_ns > QUIET_NS:
            self._due_ns = now_ns - now_ns % SECOND_NS + SECOND_NS
        while self._due_ns <= now_ns:
            value = now()
            if value is not None:
                self._sampled.setdefault((self._due_ns - 1) // MINUTE_NS, []).append(value)
            self._due_ns += SECOND_NS
        self.last_ns = max(self.last_ns, now_ns)

    def take(self, ended: bool = False) -> list[tuple[int, float]]:
        """Open and value of each minute that is over and was not taken before, in order of time.

        Args:
            ended: whether no message follows, so that the current minute is over, too.
        """
        current = (self._due_ns - 1) // MINUTE_NS
        over = [minute for minute in sorted(self._sampled) if ended or minute < current]
        taken = [(minute, self._sampled.pop(minute)) for minute in over]
        full = [(m * MINUTE_NS, float(np.mean(v))) for m, v in taken if len(v) >= SECONDS_NEEDED]
        self.skipped += len(taken) - len(full)
        return full
