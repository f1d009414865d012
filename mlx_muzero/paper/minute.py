"""Groups the bars of many pairs into minutes to decide on."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlx_muzero.paper.feeds.events import LiveBar


@dataclass(frozen=True)
class Minute:
    """The bars that arrived up to the end of a minute.

    Attributes:
        close_ns: end of the newest minute among the bars.
        bars: bars of each pair, oldest first, including any backlog.
        fresh: pairs whose last bar belongs to this minute and arrived in time to be traded on.
    """

    close_ns: int
    bars: dict[str, list[LiveBar]]
    fresh: tuple[str, ...]


class MinuteAssembler:
    """Ends a minute when all its bars have arrived, a later bar arrives or its grace is over.

    Args:
        pairs: pairs to wait for, in decision order.
        begin_ns: bars that close by then are history, which completes no minute.
        max_age_ns: longest time from a bar's close to its arrival for it to be fresh.
        grace_ns: how long to wait for missing bars after a minute's end.
    """

    def __init__(self, pairs: Sequence[str], begin_ns: int, max_age_ns: int, grace_ns: int) -> None:
        self._pairs = tuple(pairs)
        self._begin_ns, self._max_age_ns, self._grace_ns = begin_ns, max_age_ns, grace_ns
        self._silent: set[str] = set()
        self._bars: dict[str, list[LiveBar]] = {}

    def silence(self, pair: str) -> None:
        """Stop waiting for `pair` until it has a bar again."""
        self._silent.add(pair)

    def offer(self, pair: str, bar: LiveBar) -> list[Minute]:
        """Take a bar; return the minutes it completes."""
        self._silent.discard(pair)
        over = []
        if self._fresh() and bar.close_time_ns > self._close_ns():
            over.append(self._take())
        self._bars.setdefault(pair, []).append(bar)
        waited_for = set(self._pairs) - self._silent
        if waited_for <= set(self._fresh()):
            over.append(self._take())
        return over

    @property
    def due_ns(self) -> int | None:
        """When to flush even if bars are missing; None if no bar is waiting."""
        return self._close_ns() + self._grace_ns if self._bars else None

    def flush(self) -> list[Minute]:
        """The bars gathered so far, as a minute."""
        return [self._take()] if self._bars else []

    def _close_ns(self) -> int:
        return max(bars[-1].close_time_ns for bars in self._bars.values())

    def _fresh(self) -> list[str]:
        """Pairs, in order, with a fresh bar of the newest minute."""
        if not self._bars:
            return []
        close_ns = self._close_ns()
        return [
            pair
            for pair in self._pairs
            if pair in self._bars and self._is_fresh(self._bars[pair][-1], close_ns)
        ]

    def _is_fresh(self, bar: LiveBar, close_ns: int) -> bool:
        in_time = bar.arrival_time_ns - bar.close_time_ns <= self._max_age_ns
        return bar.close_time_ns == close_ns > self._begin_ns and in_time

    def _take(self) -> Minute:
        minute = Minute(self._close_ns(), self._bars, tuple(self._fresh()))
        self._bars = {}
        return minute
