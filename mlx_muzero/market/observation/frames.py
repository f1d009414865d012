"""The market columns of an observation, and the rows of one pair.

An observation ends at the close of a minute bar. Its columns form groups: the features of the
minutes; those of each higher timeframe, whose i-th row from the end is the i-th last bar closed by
then; and the context as known then, the same in every row: series beside the bars of coins, what
surrounds the bar of a currency pair.
"""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.observation import crypto_features
from mlx_muzero.market.observation import fx_context as surroundings
from mlx_muzero.market.observation import fx_features as features
from mlx_muzero.market.observation.context import context, context_names
from mlx_muzero.market.observation.outcomes import DEVIATION_BARS
from mlx_muzero.market.observation.timeframes import TIMEFRAME_NS, higher_bars
from mlx_muzero.market.quotes import open_spread
from mlx_muzero.market.series import SeriesByName
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F32, I64


def market_feature_names(config: MarketConfig) -> tuple[str, ...]:
    """Names of an observation's market columns, in order."""
    if config.features == "micro":
        return features.FEATURE_NAMES
    if config.features == "fx_context":
        return (*features.FEATURE_NAMES, *surroundings.fx_context_names(config))
    bars = (crypto_features.bar_feature_names(name) for name in ("1m", *config.timeframes))
    return (*(name for names in bars for name in names), *context_names(config))


_OF_ONE_BAR = {"price_change_pips", "log_return", "range", "close_position", "volume"}
"""Columns that describe a single bar; all others look back, or are the same for hours."""


def history_columns(config: MarketConfig) -> tuple[int, ...]:
    """Market columns whose earlier rows tell what the newest row of an observation does not."""
    names = market_feature_names(config)
    frames = ("", *(f"_{frame}" for frame in crypto_features.TIMEFRAMES))
    wanted = {f"{column}{frame}" for column in _OF_ONE_BAR for frame in frames}
    return tuple(index for index, name in enumerate(names) if name in wanted)


def minutes_before(config: MarketConfig) -> int:
    """Minimum minutes of unbroken history before the first decision bar."""
    if config.features != "crypto":
        windowed = features.HISTORY_BARS + config.window_bars - 2
        around = surroundings.HISTORY_BARS - 1 if config.features == "fx_context" else 0
        return max(windowed, around)
    longest_ns = max((TIMEFRAME_NS[name] for name in config.timeframes), default=MINUTE_NS)
    return (crypto_features.HISTORY_BARS + config.window_bars - 1) * (longest_ns // MINUTE_NS) - 1


def frame_count(config: MarketConfig) -> int:
    """Number of higher timeframes of an observation."""
    return len(config.timeframes) if config.features == "crypto" else 0


def bars_before(config: MarketConfig) -> int:
    """Bars before one that determine everything about it, with gaps or without."""
    longest_ns = max((TIMEFRAME_NS[name] for name in config.timeframes), default=MINUTE_NS)
    # The higher bar in which a history starts is dropped, and the newest one is not closed yet.
    return max(minutes_before(config) + 1 + 2 * longest_ns // MINUTE_NS, DEVIATION_BARS + 1)


@dataclass(frozen=True, eq=False)
class Frame:
    """Rows of one higher timeframe.

    Attributes:
        rows: ``f32[n, f]`` features of its bars, NaN during warm-up.
        last: ``i64[T]`` last row known when each minute bar closes, -1 if none.
    """

    rows: F32
    last: I64


@dataclass(frozen=True, eq=False)
class MarketRows:
    """The rows from which observations of one pair are assembled.

    Attributes:
        minutes: ``f32[T, f]`` features of the minute bars, NaN during warm-up.
        frames: rows of the higher timeframes, in the configured order.
        context: ``f32[T, G]`` context as known at each close.
        seen_from: ``i64[T]`` first minute bar that an observation at each bar depends on, -1 if the
            history is too short for one.
    """

    minutes: F32
    frames: tuple[Frame, ...]
    context: F32
    seen_from: I64


def market_rows(bars: Bars, series: SeriesByName, config: MarketConfig) -> MarketRows:
    """The market rows of one pair's history."""
    minute = np.arange(len(bars))
    if config.features != "crypto":
        rows = features.market_features(bars.open_time_ns, bars.close, config.pip_size)
        around = np.empty((len(bars), 0), np.float32)
        if config.features == "fx_context":
            around = surroundings.fx_context(
                bars.open_time_ns, bars.close, open_spread(bars), config
            )
        return MarketRows(rows, (), around, np.maximum(minute - minutes_before(config), -1))
    back = crypto_features.HISTORY_BARS + config.window_bars - 2
    seen_from = np.maximum(minute - back, -1)
    frames = []
    for timeframe in config.timeframes:
        higher = higher_bars(bars, TIMEFRAME_NS[timeframe])
        frames.append(Frame(crypto_features.bar_features(higher.bars), higher.last_closed))
        first = higher.last_closed - back
        first_minute = np.append(higher.first_minute, -1)[np.maximum(first, -1)]
        seen_from = np.minimum(seen_from, first_minute)
    context_rows = context(bars.open_time_ns, series, bars.symbol, config)
    return MarketRows(crypto_features.bar_features(bars), tuple(frames), context_rows, seen_from)
