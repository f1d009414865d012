"""The nine market features of a bar, for training, backtest and live trading (FX, ADR 4).

Every value of row t depends only on closes up to t. Rolling windows are minima and maxima, without
running sums, so a row computed from the last `HISTORY_BARS` closes equals, bit for bit, the row
computed from the whole history.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mlx_muzero.timeunits import DAY_NS
from mlx_muzero.types import F32, F64, I64

CALENDAR_NAMES = ("dow_cos_final", "dow_sin_final", "hour_cos_final", "hour_sin_final")
FEATURE_NAMES = (
    "position_in_range_60",
    "min_max_scaled_momentum_60",
    "min_max_scaled_rolling_range",
    "min_max_scaled_momentum_5",
    "price_change_pips",
    *CALENDAR_NAMES,
)
"""Recorded, in order, in a checkpoint and compared when one is loaded."""

LONG_BARS = 60
SHORT_BARS = 5
HISTORY_BARS = 2 * LONG_BARS
"""Closes that determine one row: a 60-bar momentum, scaled over its last 60 values."""

PRICE_CHANGE_SCALE_PIPS = 10.0

_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0


def market_features(open_time_ns: I64, close: F64, pip_size: float) -> F32:
    """Features ``f32[T, 9]`` of bars with UTC open times ``i64[T]`` and closes ``f64[T]``.

    The first `HISTORY_BARS` - 1 rows are warm-up and hold NaN.
    """
    features = np.full((len(close), len(FEATURE_NAMES)), np.nan, np.float32)
    if len(close) < HISTORY_BARS:
        return features
    low, high = _rolling_extremes(close)
    columns = (
        _position_in(close, low, high),
        _scaled_over_own_range(_momentum(close, LONG_BARS)),
        _scaled_over_own_range(high - low),
        _scaled_over_own_range(_momentum(close, SHORT_BARS)),
        np.tanh(_momentum(close, 1) / pip_size / PRICE_CHANGE_SCALE_PIPS),
        *calendar_features(open_time_ns),
    )
    for index, column in enumerate(columns):
        features[HISTORY_BARS - 1 :, index] = column[HISTORY_BARS - 1 :]
    return features


def _momentum(close: F64, bars: int) -> F64:
    change = np.full(len(close), np.nan)
    change[bars:] = close[bars:] - close[:-bars]
    return change


def _rolling_extremes(values: F64) -> tuple[F64, F64]:
    """Minimum and maximum of the last `LONG_BARS` values; NaN until there are that many."""
    low, high = np.full((2, len(values)), np.nan)
    windows = sliding_window_view(values, LONG_BARS)
    low[LONG_BARS - 1 :] = windows.min(axis=1)
    high[LONG_BARS - 1 :] = windows.max(axis=1)
    return low, high


def _position_in(values: F64, low: F64, high: F64) -> F64:
    """Position of `values` between `low` and `high`, in [0, 1]; 0.5 if the range is flat."""
    width = high - low
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(width == 0.0, 0.5, (values - low) / width)


def _scaled_over_own_range(values: F64) -> F64:
    return _position_in(values, *_rolling_extremes(values))


def calendar_features(open_time_ns: I64) -> tuple[F64, F64, F64, F64]:
    """`CALENDAR_NAMES`: cosine and sine of the weekday, then of the hour with minutes, UTC."""
    weekday = (open_time_ns // DAY_NS + _EPOCH_WEEKDAY) % 7
    day_angle = 2.0 * np.pi * weekday / 7.0
    hour_angle = 2.0 * np.pi * (open_time_ns % DAY_NS) / DAY_NS
    return np.cos(day_angle), np.sin(day_angle), np.cos(hour_angle), np.sin(hour_angle)
