"""What one policy earned beyond another, day by day: the market did the same to both."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.luck.blocks import block_length, resampled_means
from mlx_muzero.evaluation.session_groups import interval
from mlx_muzero.timeunits import DAY_NS
from mlx_muzero.types import F64, I64


@dataclass(frozen=True)
class PairedDays:
    """Differences of two policies on the same days.

    Attributes:
        days: on which sessions began.
        better: of these, on how many the policy earned more.
        worse: on how many it earned less.
        mean: net pips of a day beyond the other's.
        low: lower end of its 95 % interval, over blocks of days; None with a single day.
        high: upper end.
        block_days: mean length of the blocks.
    """

    days: int
    better: int
    worse: int
    mean: float
    low: float | None
    high: float | None
    block_days: float


def daily(played: Mapping[str, Backtest]) -> tuple[I64, dict[str, F64]]:
    """UTC days ``i64[D]`` on which sessions began, and net pips ``f64[D]`` of each policy.

    All must have played the same sessions.
    """
    first = next(iter(played.values()))
    days, place = np.unique(first.spans_ns[0] // DAY_NS, return_inverse=True)
    totals = {
        name: np.bincount(place, each.equity_pips[:, -1], minlength=len(days)).astype(np.float64)
        for name, each in played.items()
    }
    return days, totals


def paired(one: F64, other: F64, seed: int = 0) -> PairedDays:
    """Compare what two policies earned on the same days, ``f64[D]`` each, in time order."""
    beyond = one - other
    length = block_length(beyond)
    means = resampled_means(beyond, length, seed) if len(beyond) > 1 else beyond[:0]
    better, worse = int((beyond > 0).sum()), int((beyond < 0).sum())
    low, high = interval(means)
    return PairedDays(len(beyond), better, worse, float(beyond.mean()), low, high, length)
