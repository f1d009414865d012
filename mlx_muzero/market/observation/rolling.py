"""Rolling statistics that do not depend on where a history begins, at any length in linear time.

Each value follows from the bars of its window alone, bit for bit: extremes are exact, and sums are
of integers, which running sums add without error.
"""

from collections.abc import Sequence

import numpy as np

from mlx_muzero.types import F64, I64

_STEPS_A_PIP = 1000
"""Resolution of a change whose square is summed."""

_LONGEST_STEPS = 1000 * _STEPS_A_PIP
"""Of a change that counts: squares of 1,000 pips, summed over years, stay below 2**63."""


def rolling_extremes(values: F64, lengths: Sequence[int]) -> list[tuple[F64, F64]]:
    """Minimum and maximum ``f64[T]`` of the last `lengths` values each; NaN until there are enough.

    Windows are joined of two overlapping ones that have a power of two as their length.

    Args:
        values: ``f64[T]``.
        lengths: ascending, each at least 1.
    """
    found = []
    low, high, span = values, values, 1  # of the `span` values that begin at each place
    for length in lengths:
        while 2 * span <= length:
            low = np.minimum(low[:-span], low[span:])
            high = np.maximum(high[:-span], high[span:])
            span *= 2
        extremes = np.full((2, len(values)), np.nan)
        count = len(values) - length + 1
        if count > 0:
            later = slice(length - span, length - span + count)
            np.minimum(low[:count], low[later], out=extremes[0, length - 1 :])
            np.maximum(high[:count], high[later], out=extremes[1, length - 1 :])
        found.append((extremes[0], extremes[1]))
    return found


def rolling_deviations(pips: F64, lengths: Sequence[int]) -> list[F64]:
    """Root mean square ``f64[T]`` of the last `lengths` changes each; NaN until there are enough.

    Args:
        pips: ``f64[T]`` changes; the first is none, for there is no bar before it.
        lengths: each at least 1.
    """
    steps = np.clip(np.rint(pips * _STEPS_A_PIP), -_LONGEST_STEPS, _LONGEST_STEPS)
    total: I64 = np.cumsum(np.square(steps.astype(np.int64)))
    found = []
    for length in lengths:
        deviation = np.full(len(pips), np.nan)
        if len(pips) > length:
            summed = (total[length:] - total[:-length]).astype(np.float64)
            deviation[length:] = np.sqrt(summed / length) / _STEPS_A_PIP
        found.append(deviation)
    return found
