"""Bar changes in pips: what every rival learns from."""

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

from mlx_muzero.evaluation.policy import SessionView
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import Split
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.costs import pip_price
from mlx_muzero.types import F64, I64

T = TypeVar("T")


def bar_changes(close: F64, open_time_ns: I64, pip_size: float, max_gap_minutes: float) -> F64:
    """``f64[T]`` change in pips of each close from the one before.

    A pair's first bar, and the first one after a hole, changes by 0: no session holds such a step.

    Args:
        close: ``f64[T]`` closes, one pair after another.
        open_time_ns: ``i64[T]`` UTC bar opens.
        pip_size: price of one pip; 0 where a pip is a basis point of the price.
        max_gap_minutes: longest step from one bar to the next that is not a hole.
    """
    changes = np.zeros(len(close))
    changes[1:] = np.diff(close) / pip_price(close[:-1], pip_size)
    step_ns = np.diff(open_time_ns)
    changes[1:][(step_ns <= 0) | (step_ns > max_gap_minutes * MINUTE_NS)] = 0.0
    return changes


def changes_of(dataset: MarketDataset, pip_size: float) -> F64:
    """``f64[T]`` `bar_changes` of the bars of `dataset`."""
    gap = dataset.config.max_gap_minutes
    return bar_changes(dataset.close, dataset.open_time_ns, pip_size, gap)


class PerMarket(Generic[T]):
    """What a rival makes of a whole market's changes, once for all sessions on its bars.

    Args:
        max_gap_minutes: longest step from one bar to the next that is not a hole.
        made_of: makes it of ``f64[T]`` `bar_changes`; what it has for a bar looks back only.
    """

    def __init__(self, max_gap_minutes: float, made_of: Callable[[F64], T]) -> None:
        self._max_gap_minutes, self._made_of = max_gap_minutes, made_of
        self._close: F64 | None = None

    def of(self, env: SessionView) -> T:
        """That of the bars that the sessions of `env` are played on."""
        if self._close is not env.close:
            changes = bar_changes(
                env.close, env.open_time_ns, env.rules.pip_size, self._max_gap_minutes
            )
            self._close, self._made = env.close, self._made_of(changes)
        return self._made


def lagged(changes: F64, bar: I64, lags: int) -> F64:
    """``f64[*bar, lags]`` the last `lags` changes known at each `bar`, oldest first; 0 before any.

    Args:
        changes: ``f64[T]`` from `bar_changes`.
        bar: ``i64`` of any shape.
        lags: how many.
    """
    index = np.asarray(bar)[..., None] + np.arange(1 - lags, 1)
    return np.where(index >= 0, changes[np.maximum(index, 0)], 0.0)


def fitting_bars(dataset: MarketDataset, split: Split, ahead: int) -> I64:
    """``i64[n]`` bars of `split` that can be observed and whose next `ahead` bars lie in it too."""
    span = dataset.ranges[split]
    last = len(dataset.close) - ahead
    bars = np.flatnonzero(dataset.seen_from[: max(last, 0)] >= 0)
    inside = dataset.open_time_ns[bars] >= span.first_ns
    inside &= dataset.open_time_ns[bars + ahead] < span.end_ns
    inside &= dataset.pair[bars + ahead] == dataset.pair[bars]
    return bars[inside]
