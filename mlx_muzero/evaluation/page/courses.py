"""Equity of several policies over time, thinned without losing peaks and troughs."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.metrics import end_to_end
from mlx_muzero.evaluation.page.contents import Course
from mlx_muzero.evaluation.session_bars import SessionBars
from mlx_muzero.types import F64, I64

STRETCHES = 600
"""Stretches of a course, of each of which the highest, lowest and last point are kept."""


def courses_of(played: Mapping[str, Backtest], bars: SessionBars) -> list[Course]:
    """Portfolio equity of each policy, groups of overlapping sessions end to end."""
    groups = next(iter(played.values())).groups.group
    first = np.unique(groups, return_index=True)[1]
    time_ns = bars.close_ns[first, 1:].ravel()
    found = []
    for name, each in played.items():
        equity = end_to_end(each.portfolio_pips)
        points = telling_points(equity)
        found.append(Course(name, time_ns[points], equity[points]))
    return found


def telling_points(equity: F64, stretches: int = STRETCHES) -> I64:
    """Indices ``i64[m]`` of the highest, lowest and last point in each stretch of ``f64[n]``."""
    if len(equity) <= 3 * stretches:
        return np.arange(len(equity))
    ends = np.linspace(0, len(equity), stretches + 1).astype(np.int64).tolist()
    kept = [0]
    for first, end in pairwise(ends):
        part = equity[first:end]
        kept += [first + int(part.argmin()), first + int(part.argmax()), end - 1]
    return np.unique(kept)
