"""Bar features of the crypto preset, the same in every timeframe (CRYPTO 3A).

All columns are independent of the scale of price and volume, bounded, and causal: row t depends on
bars up to t. Trailing means are added lag by lag, without running sums, so a row computed from the
last `HISTORY_BARS` bars equals, bit for bit, the row computed from the whole history.
"""

from typing import get_args

import numpy as np

from mlx_muzero.config.choices import HigherTimeframe
from mlx_muzero.market.bars import Bars
from mlx_muzero.types import F32, F64

BAR_COLUMNS = ("log_return", "range", "close_position", "volume", "volatility")

TRAILING_BARS = 24
"""Bars in a trailing mean, including the bar itself: a day of hourly bars."""
RECENT_BARS = 6
HISTORY_BARS = TRAILING_BARS + 1
"""Bars that determine one row: that many returns need one more close."""

RETURN_SCALE = 3.0
"""Return, in root mean squares, at which its column reaches three quarters of its range."""

TIMEFRAMES = ("1m", *get_args(HigherTimeframe))


def bar_feature_names(timeframe: str) -> tuple[str, ...]:
    """Names of the columns of one timeframe, in order."""
    return tuple(f"{column}_{timeframe}" for column in BAR_COLUMNS)


def bar_features(bars: Bars) -> F32:
    """`BAR_COLUMNS` of every bar, ``f32[T, 5]``; the first `HISTORY_BARS` - 1 rows are NaN.

    r is the log return, "mean" covers the last `TRAILING_BARS` bars, and "x against its mean" is
    x / (x + mean): in [0, 1], 0.5 for a usual value, and 0.5 where x and its mean are both 0.

    - log_return: tanh of r / (`RETURN_SCALE` x root mean square of r)
    - range: ln(high / low) against its mean
    - close_position: (close - low) / (high - low), 0.5 where the bar is flat
    - volume: against its mean
    - volatility: root mean square of r over `RECENT_BARS` against that over `TRAILING_BARS`
    """
    features = np.full((len(bars), len(BAR_COLUMNS)), np.nan, np.float32)
    if len(bars) < HISTORY_BARS:
        return features
    log_close = np.log(bars.close)
    log_return = np.zeros(len(bars))
    log_return[1:] = log_close[1:] - log_close[:-1]
    width = np.log(bars.high) - np.log(bars.low)
    deviation = np.sqrt(trailing_mean(log_return**2, TRAILING_BARS))
    recent = np.sqrt(trailing_mean(log_return**2, RECENT_BARS))
    columns = (
        np.tanh(_ratio(log_return, deviation, flat=0.0) / RETURN_SCALE),
        against(width, trailing_mean(width, TRAILING_BARS)),
        _ratio(bars.close - bars.low, bars.high - bars.low, flat=0.5),
        against(bars.volume, trailing_mean(bars.volume, TRAILING_BARS)),
        against(recent, deviation),
    )
    for index, column in enumerate(columns):
        features[HISTORY_BARS - 1 :, index] = column[HISTORY_BARS - 1 :]
    return features


def trailing_mean(values: F64, bars: int) -> F64:
    """``f64[T]`` mean of the last `bars` values, NaN until there are that many."""
    mean = np.full(len(values), np.nan)
    count = max(len(values) - bars + 1, 0)
    lagged = (values[lag : lag + count] for lag in range(bars))
    mean[bars - 1 :] = sum(lagged, np.zeros(count)) / bars
    return mean


def _ratio(values: F64, scale: F64, flat: float) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(scale == 0.0, flat, values / scale)


def against(values: F64, usual: F64) -> F64:
    """``f64[T]`` x / (x + usual): in [0, 1], 0.5 for a usual value, and where both are 0."""
    return _ratio(values, values + usual, flat=0.5)
