"""What the volume in a file says: where in its minute a bar is stamped.

Much of the world trades by candles of five minutes and more, so volume rises in the first minute of
a quarter of an hour, more often than in any other of the fifteen. Stamped at their open, the bars
of that minute say :00, :15, :30 and :45; at their close, a minute later.

Measured on 27 coins of Binance in three months of three years, real and moved by a minute: no
stretch of one day to 28 is told wrongly; two of three days show it, and every seven do.
"""

import numpy as np

from mlx_muzero.market.week_edges import Stamps
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64

_QUARTER_MINUTES = 15
# Standard errors between the first minute of a quarter and the one after or before.
_SURE_SIGMAS = 4.0


class BusyMinutes:
    """How often volume rises from one bar to the next, by minute of the quarter of an hour."""

    def __init__(self) -> None:
        self._steps = np.zeros(_QUARTER_MINUTES)
        self._rises = np.zeros(_QUARTER_MINUTES)

    def see(self, wall_ns: I64, volume: F64) -> None:
        """Take in rows, in any order.

        Args:
            wall_ns: ``i64[T]`` wall times of bars, on a clock that is whole quarters of an hour
                away from UTC, as all are.
            volume: ``f64[T]``, NaN where unknown.
        """
        order = np.argsort(wall_ns, kind="stable")
        minute, traded = wall_ns[order] // MINUTE_NS, volume[order]
        change = np.diff(traded)
        row = np.flatnonzero((np.diff(minute) == 1) & np.isfinite(change))
        phase = minute[row + 1] % _QUARTER_MINUTES
        self._steps += np.bincount(phase, minlength=_QUARTER_MINUTES)
        self._rises += np.bincount(phase, np.sign(change[row]), minlength=_QUARTER_MINUTES)

    def stamps(self) -> Stamps | None:
        """Where the bars are stamped; None where volume is unknown, or shows no such rhythm."""
        if not self._steps.all():
            return None
        often = self._rises / self._steps  # -1 to 1
        away = (often[0] - often[1]) / np.sqrt(1 / self._steps[0] + 1 / self._steps[1])
        first = int(often.argmax())
        if first > 1 or abs(away) < _SURE_SIGMAS or (often == often[first]).sum() > 1:
            return None
        return "close" if first else "open"
