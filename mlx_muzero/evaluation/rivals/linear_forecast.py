"""Least squares on past changes: the simplest forecast of the changes to come."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.rivals.changes import lagged
from mlx_muzero.types import F64, I64

LAGS = (16, 32, 64)
"""Changes a forecast may be made of."""

HORIZONS_BARS = (5, 20, 60)
"""Bars a forecast may look ahead."""

_ROWS = 32_768
"""Bars whose regressors are in memory at once."""

_RIDGE = 1e-6
"""Of the mean square of the regressors: keeps constant columns from making the system singular."""


@dataclass(frozen=True, eq=False)
class LinearForecast:
    """Expected sum of the next changes, linear in the last ones.

    Attributes:
        weights: ``f64[lags]`` of the last changes, oldest first.
        constant: pips.
        horizon: bars ahead that are summed.
    """

    weights: F64
    constant: float
    horizon: int

    def expected(self, changes: F64) -> F64:
        """``f64[T]`` pips expected of the bars after each bar of `changes` ``f64[T]``."""
        before = np.zeros(len(self.weights) - 1)
        known = np.concatenate([before, changes])
        return np.asarray(np.correlate(known, self.weights) + self.constant)


def fit_forecasts(
    changes: F64,
    bars: I64,
    lags: Sequence[int] = LAGS,
    horizons: Sequence[int] = HORIZONS_BARS,
) -> tuple[LinearForecast, ...]:
    """The least-squares forecast for each of `lags` and each of `horizons`.

    Args:
        changes: ``f64[T]`` pips, as `bar_changes`.
        bars: ``i64[n]`` bars to learn from; as many as the longest horizon follow each.
        lags: numbers of past changes.
        horizons: numbers of bars ahead.
    """
    longest = max(lags)
    ahead = np.concatenate([[0.0], np.cumsum(changes)])
    moments = np.zeros((longest + 1, longest + 1))
    products = np.zeros((longest + 1, len(horizons)))
    for first in range(0, len(bars), _ROWS):
        rows = bars[first : first + _ROWS]
        known = np.concatenate([lagged(changes, rows, longest), np.ones((len(rows), 1))], axis=1)
        ends = rows[:, None] + 1 + np.array(horizons)
        moments += known.T @ known
        products += known.T @ (ahead[ends] - ahead[rows + 1, None])
    return tuple(
        LinearForecast(weights[:-1], float(weights[-1]), horizon)
        for count in lags
        for weights, horizon in zip(
            _solved(moments[-count - 1 :, -count - 1 :], products[-count - 1 :]).T,
            horizons,
            strict=True,
        )
    )


def _solved(moments: F64, products: F64) -> F64:
    """Weights ``f64[lags + 1, horizons]`` of the normal equations."""
    ridge = _RIDGE * max(float(np.trace(moments)) / len(moments), 1.0)
    return np.asarray(np.linalg.solve(moments + ridge * np.eye(len(moments)), products))
