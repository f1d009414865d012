"""What passes between one bar and the next: nights of swap, and times of day."""

from collections.abc import Callable
from functools import cached_property, partial

import numpy as np

from mlx_muzero.config.local_times import DailyTimes
from mlx_muzero.market.calendar import swap_nights
from mlx_muzero.market.clocks import ZoneClock
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.types import I16, I64


def times_passed(times: DailyTimes, before_ns: I64, after_ns: I64) -> I64:
    """``i64[T]`` how many of `times` lie in each (before, after], both ``i64[T]`` of UTC.

    A local time that the clocks skip comes when they have jumped; one that they repeat comes once.
    """
    if not len(after_ns):
        return np.zeros(0, np.int64)
    days = np.arange(before_ns.min() // DAY_NS - 2, after_ns.max() // DAY_NS + 3, dtype=np.int64)
    local = days[:, None] * DAY_NS + np.array(times.minutes) * MINUTE_NS
    at = np.unique(ZoneClock(times.zone).to_utc(local.ravel()))
    after, before = (np.searchsorted(at, ns, side="right") for ns in (after_ns, before_ns))
    return np.asarray(after - before, np.int64)


class Passing:
    """What passes between the bars of one or more pairs; counted once.

    Args:
        pair: ``i16[T]`` of each bar.
        open_time_ns: ``i64[T]``.
    """

    def __init__(self, pair: I16, open_time_ns: I64) -> None:
        self._pair, self._open_ns = pair, open_time_ns
        self._times: dict[DailyTimes, I64] = {}

    @cached_property
    def nights(self) -> I64:
        """``i64[T]`` nights over which a position is held into each bar; 0 at a pair's first."""
        return self._counted(swap_nights)

    def times(self, times: DailyTimes) -> I64:
        """``i64[T]`` how many of `times` come while a position is held into each bar, likewise."""
        if times not in self._times:
            self._times[times] = self._counted(partial(times_passed, times))
        return self._times[times]

    def _counted(self, count: Callable[[I64, I64], I64]) -> I64:
        counted = np.zeros(len(self._open_ns), np.int64)
        follows = self._pair[1:] == self._pair[:-1]
        before, after = self._open_ns[:-1][follows], self._open_ns[1:][follows]
        counted[1:][follows] = count(before, after)
        return counted
