"""Timings that can be compared even if the machine has other work to do."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

Timed = Callable[[], float]
"""Does something once and returns how many seconds it took."""


def timed(action: Callable[[], object], calls: int = 1) -> Timed:
    """Wall-clock seconds of one call of `action`, the mean of `calls` in a row."""

    def run() -> float:
        start = time.perf_counter()
        for _ in range(calls):
            action()
        return (time.perf_counter() - start) / calls

    return run


def by_turns(actions: Mapping[str, Timed], rounds: int) -> dict[str, list[float]]:
    """Seconds of every action, `rounds` times, in turns: a busy spell affects all of them.

    One round before the first is not counted.
    """
    turns = [{name: action() for name, action in actions.items()} for _ in range(1 + rounds)]
    return {name: [turn[name] for turn in turns[1:]] for name in actions}


def median_ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the ratios within a round."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))
