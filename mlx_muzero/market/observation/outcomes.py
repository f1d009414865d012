"""Chance outcomes UP, NEUTRAL, DOWN: the market's response to a step, discretised (FX, ADR 5)."""

import numpy as np

from mlx_muzero.market.observation.outcome_cone import THRESHOLD_DEVIATIONS
from mlx_muzero.types import F64, I8

OUTCOME_NAMES = ("UP", "NEUTRAL", "DOWN")
UP, NEUTRAL, DOWN, UNKNOWN = 0, 1, 2, -1

DEVIATION_BARS = 20


def outcome_thresholds(close: F64) -> F64:
    """``f64[T]`` price change above which bar t is UP, known before bar t opens.

    Half the population standard deviation of the `DEVIATION_BARS` one-bar changes before bar t;
    NaN while there are fewer.
    """
    thresholds = np.full(len(close), np.nan)
    first = DEVIATION_BARS + 1
    if len(close) <= first:
        return thresholds
    change = np.diff(close)
    count = len(change) - DEVIATION_BARS
    # Added lag by lag, so that a value does not depend on the length of the history.
    lagged = [change[lag : lag + count] for lag in range(DEVIATION_BARS)]
    mean = sum(lagged, np.zeros(count)) / DEVIATION_BARS
    variance = sum(((x - mean) ** 2 for x in lagged), np.zeros(count)) / DEVIATION_BARS
    thresholds[first:] = THRESHOLD_DEVIATIONS * np.sqrt(variance)
    return thresholds


def next_threshold(close: F64) -> float:
    """Threshold of the bar that follows `close` ``f64[T]``; it does not depend on that bar."""
    recent = np.append(close[-(DEVIATION_BARS + 1) :], close[-1])
    return float(outcome_thresholds(recent)[-1])


def outcome_labels(close: F64) -> I8:
    """``i8[T]`` outcome of every bar relative to the previous close; `UNKNOWN` during warm-up."""
    threshold = outcome_thresholds(close)
    change = np.diff(close, prepend=np.nan)
    labels = np.full(len(close), NEUTRAL, np.int8)
    labels[change > threshold] = UP
    labels[change < -threshold] = DOWN
    labels[np.isnan(threshold)] = UNKNOWN
    return labels
