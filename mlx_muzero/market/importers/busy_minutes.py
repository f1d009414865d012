"""Detects from the volume in a file where its bars are stamped.

Many trade by candles of five minutes or more, so volume rises in the first minute of a quarter of
an hour more often than in any other of the fifteen. Stamped at their open, the bars of that minute
say :00, :15, :30 and :45; stamped at their close, a minute later.

Measured on 27 coins of Binance in three months of three years, as they are and moved by a minute:
no stretch of 1 to 28 days is misread; two out of three days are conclusive, and every seven are.
"""

import numpy as np

from mlx_muzero.market.week_edges import Stamps
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64

_QUARTER_MINUTES = 15
# Required standard errors between the first minute of a quarter and the minute after or before.
_SURE_SIGMAS = 4.0


class BusyMinutes:
    """Counts how often volume rises between bars, by minute of the quarter of an hour."""

    def __init__(self) -> None:
        self._steps = np.zeros(_QUARTER_MINUTES)
        self._rises = np.zeros(_QUARTER_MINUTES)

    def see(self, wall_ns: I64, volume: F64) -> None:
        """Add rows, in any order.

        Args:
            wall_ns: ``i64[T]`` wall times of bars, on a clock that differs from UTC by whole
                quarters of an hour, as all do.
            volume: ``f64[T]`` volume of the bars, NaN where unknown.
        """
        order = np.argsort(wall_ns, kind="stable")
        minute, traded = wall_ns[order] // MINUTE_NS, volume[order]
        change = np.diff(traded)
        row = np.flatnonzero((np.diff(minute) == 1) & np.isfinite(change))
        phase = minute[row + 1] % _QUARTER_MINUTES
        self._steps += np.bincount(phase, minlength=_QUARTER_MINUTES)
        self._rises += np.bincount(phase, np.sign(change[row]), minlength=_QUARTER_MINUTES)

    def stamps(self) -> Stamps | None:
        """Where the bars are stamped; None if volume is unknown or inconclusive."""
        if not self._steps.all():
            return None
        often = self._rises / self._steps  # -1 to 1
        away = (often[0] - often[1]) / np.sqrt(1 / self._steps[0] + 1 / self._steps[1])
        first = int(often.argmax())
        if first > 1 or abs(away) < _SURE_SIGMAS or (often == often[first]).sum() > 1:
            return None
        return "close" if first else "open"
