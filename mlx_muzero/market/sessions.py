"""Sessions: stretches of bars without a hole, and the chronological splits they belong to.

FX "Data Pipeline Details" and SessionIndexCalculator, design 3.5. A session is named by its first
decision bar s: its steps move to bars s+1 .. s+`session_bars`.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mlx_muzero.config import MarketConfig
from mlx_muzero.errors import DataError
from mlx_muzero.market.features import HISTORY_BARS
from mlx_muzero.types import I64

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

_MINUTE_NS = 60_000_000_000


@dataclass(frozen=True)
class SplitRange:
    """Bars ``first <= t < end`` of one split."""

    first: int
    end: int


def split_ranges(bars: int, config: MarketConfig) -> dict[Split, SplitRange]:
    """Chronological cut of `bars` bars into the three splits."""
    train_end = round(bars * config.train_frac)
    validation_end = round(bars * (config.train_frac + config.validation_frac))
    return {
        "train": SplitRange(0, train_end),
        "validation": SplitRange(train_end, validation_end),
        "test": SplitRange(validation_end, bars),
    }


def session_starts(open_time_ns: I64, config: MarketConfig, split: Split) -> I64:
    """Every bar of `split` at which a session can start, ``i64[n]`` ascending.

    All bars that a session looks at lie inside the split, those behind its first features
    included; from the first observed bar to the last there is no hole above `max_gap_minutes`,
    hence no weekend.
    """
    span = split_ranges(len(open_time_ns), config)[split]
    lookback = config.window_bars - 1
    first = span.first + HISTORY_BARS - 1 + lookback
    starts = np.arange(first, span.end - config.session_bars, dtype=np.int64)
    if len(starts) == 0:
        return starts
    hole = np.diff(open_time_ns) > config.max_gap_minutes * _MINUTE_NS
    holes_before = np.concatenate([[0], np.cumsum(hole)])
    unbroken = holes_before[starts + config.session_bars] == holes_before[starts - lookback]
    return starts[unbroken]


def separate_sessions(starts: I64, session_bars: int) -> I64:
    """Earliest-first subset of ascending `starts` whose sessions share no step, ``i64[m]``."""
    chosen, free_from = [], -1
    for start in starts.tolist():
        if start >= free_from:
            chosen.append(start)
            free_from = start + session_bars
    return np.array(chosen, np.int64)


def spread_evenly(starts: I64, count: int) -> I64:
    """At most `count` of `starts`, evenly spread from the first to the last."""
    if count >= len(starts):
        return starts
    return starts[np.linspace(0, len(starts) - 1, count).round().astype(np.int64)]


def require_sessions(starts: I64, symbol: str, split: Split, config: MarketConfig) -> I64:
    """`starts` unchanged, or DataError if there is none."""
    if len(starts) == 0:
        raise DataError(
            f"{symbol}: the {split} split has no session of {config.session_bars} bars without a "
            f"hole above {config.max_gap_minutes:g} minutes (each needs "
            f"{HISTORY_BARS + config.window_bars} bars before it). Import more bars, or lower "
            f"market.session_bars; `mlx-muzero data check {symbol}` lists the holes."
        )
    return starts
