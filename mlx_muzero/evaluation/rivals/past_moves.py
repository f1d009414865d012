"""Momentum and reversal with hysteresis: rules on the move of the last bars.

They differ from the trend baselines, which are always in the market: they enter after a large move
and leave once it has become small. As for the line, the validation split chooses how far they look
back and both thresholds.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from mlx_muzero.evaluation.rivals.chosen import ValidationSessions
from mlx_muzero.evaluation.rivals.line import LinePolicy, fit_line
from mlx_muzero.types import F64, I64

LOOKBACKS_BARS = (5, 15, 60, 240, 1440)
"""Bars whose move may be followed or faded: five minutes to a day."""

MOMENTUM, REVERSAL = "momentum_hysteresis", "reversal_hysteresis"
PAST_MOVES = (MOMENTUM, REVERSAL)
"""Their names."""


@dataclass(frozen=True)
class PastMove:
    """Takes the move of the last bars for a forecast, or its opposite.

    Attributes:
        lookback: number of bars.
        direction: 1 to follow the move, -1 to fade it.
    """

    lookback: int
    direction: int

    def expected(self, changes: F64) -> F64:
        """``f64[T]`` pips moved at each bar of `changes` ``f64[T]``, in the direction; holes are 0.

        Before there are as many bars, those there are count.
        """
        price = np.concatenate([np.zeros(self.lookback), np.cumsum(changes)])
        return np.asarray(self.direction * (price[self.lookback :] - price[: len(changes)]))


def fit_past_moves(validation: ValidationSessions, usual: I64) -> tuple[LinePolicy, ...]:
    """Both rules as they earned most on the validation split; one that earned nothing stays flat.

    Args:
        validation: the sessions that choose.
        usual: ``i64[n]`` training bars, whose moves say what a large one is.
    """
    fitted = (
        partial(fit_line, validation, [PastMove(bars, direction) for bars in LOOKBACKS_BARS], usual)
        for direction in (1, -1)
    )
    return tuple(fit(name) for fit, name in zip(fitted, PAST_MOVES, strict=True))
