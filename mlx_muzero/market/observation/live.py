"""Builds observations minute by minute, bit for bit as `MarketDataset.windows` does."""

import math
from collections import deque
from collections.abc import Callable

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.observation import crypto_features
from mlx_muzero.market.observation import fx_context as surroundings
from mlx_muzero.market.observation import fx_features as features
from mlx_muzero.market.observation.context import context
from mlx_muzero.market.observation.timeframes import TIMEFRAME_NS, Bar, HigherBarBuilder, bars_of
from mlx_muzero.market.series import Series, SeriesByName
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F32

# More than any column looks back on: an hour of a series with a point every few seconds, a year of
# releases. Old points are dropped once twice as many are held.
_KEPT_POINTS = 1024


class LiveMarket:
    """Builds the market columns of one pair's observations from closed minute bars.

    Args:
        config: the columns, and the number of rows (W).
        symbol: the pair; for crypto one of `config.pairs`.
        series: the series so far. May include future points (a replay has the whole series): none
            is read before its `known_ns`.
    """

    def __init__(
        self, config: MarketConfig, symbol: str, series: SeriesByName | None = None
    ) -> None:
        self._config = config
        self._symbol = symbol
        self._series = dict(series or {})
        self._last_open_ns: int | None = None
        self._frames: list[tuple[HigherBarBuilder, _LastRows]] = []
        window = config.window_bars
        self._long: _LongHistory | None = None
        if config.features != "crypto":
            self._minutes = _LastRows(self._micro, features.HISTORY_BARS, window)
            if config.features == "fx_context":
                self._long = _LongHistory(config)
            return
        rows = (crypto_features.bar_features, crypto_features.HISTORY_BARS, window)
        self._minutes = _LastRows(*rows)
        for timeframe in config.timeframes:
            builder = HigherBarBuilder(TIMEFRAME_NS[timeframe])
            self._frames.append((builder, _LastRows(*rows)))

    def add_series(self, points: Series) -> None:
        """Add points of a series; a point from a feed is known from its arrival."""
        held = self._series.get(points.name)
        if held is not None:
            points = Series.of(
                held.symbol,
                held.name,
                np.concatenate([held.event_ns, points.event_ns]),
                np.concatenate([held.known_ns, points.known_ns]),
                np.concatenate([held.value, points.value]),
            )
        self._series[points.name] = points

    def push(self, minute: Bar) -> None:
        """Add a closed minute.

        Raises:
            ValueError: it is not later than the previous minute.
        """
        if self._last_open_ns is not None and minute.open_time_ns <= self._last_open_ns:
            raise ValueError(
                f"{self._symbol}: minute {minute.open_time_ns} is not later than the last one"
            )
        self._last_open_ns = minute.open_time_ns
        self._minutes.push(minute)
        if self._long is not None:
            self._long.push(minute)
        for builder, rows in self._frames:
            for bar in builder.push(minute):
                rows.push(bar)

    @property
    def warm(self) -> bool:
        """Whether there are enough bars for a window."""
        long = self._long is None or self._long.full
        return long and all(group.full for group in self._groups)

    def window(self) -> F32:
        """The window at the close of the last minute, ``f32[W, market columns]``.

        Raises:
            ValueError: there are not enough bars yet (see `warm`).
        """
        if not self.warm or self._last_open_ns is None:
            raise ValueError(f"{self._symbol} has no complete window yet")
        row = self._context_row(self._last_open_ns)
        held = np.broadcast_to(row, (self._config.window_bars, row.shape[1]))
        window: F32 = np.concatenate([*(group.rows() for group in self._groups), held], axis=1)
        return window

    @property
    def _groups(self) -> list["_LastRows"]:
        return [self._minutes, *(rows for _, rows in self._frames)]

    def _micro(self, bars: Bars) -> F32:
        return features.market_features(bars.open_time_ns, bars.close, self._config.pip_size)

    def _context_row(self, open_time_ns: int) -> F32:
        if self._long is not None:
            return self._long.newest_row()
        if self._config.features == "micro":
            return np.empty((1, 0), np.float32)
        for name, points in self._series.items():
            self._series[name] = _without_old(points, open_time_ns + MINUTE_NS)
        opens = np.array([open_time_ns], np.int64)
        return context(opens, self._series, self._symbol, self._config)


class _LastRows:
    """The last rows of one timeframe, each computed once from the bars that determine it.

    Computed lazily: pushing a history of days is faster than computing its rows.
    """

    def __init__(self, features_of: Callable[[Bars], F32], history_bars: int, rows: int) -> None:
        self._features_of = features_of
        self._before = history_bars - 1
        self._bars: deque[Bar] = deque(maxlen=self._before + rows)
        self._rows: deque[F32] = deque(maxlen=rows)
        self._new = 0  # bars pushed since the rows were last computed

    @property
    def full(self) -> bool:
        return len(self._bars) == self._bars.maxlen

    def push(self, bar: Bar) -> None:
        self._bars.append(bar)
        self._new += 1

    def rows(self) -> F32:
        new = min(self._new, len(self._bars) - self._before)
        if new:
            bars = bars_of("", list(self._bars)[-(self._before + new) :])
            self._rows.extend(self._features_of(bars)[-new:])
            self._new = 0
        return np.stack(self._rows)


class _LongHistory:
    """The last bars that the context of a currency pair's newest bar follows from."""

    def __init__(self, config: MarketConfig) -> None:
        self._config = config
        self._open_ns: deque[int] = deque(maxlen=surroundings.HISTORY_BARS)
        self._close: deque[float] = deque(maxlen=surroundings.HISTORY_BARS)
        self._spread = math.nan

    @property
    def full(self) -> bool:
        return len(self._close) == self._close.maxlen

    def push(self, bar: Bar) -> None:
        self._open_ns.append(bar.open_time_ns)
        self._close.append(bar.close)
        self._spread = bar.spread

    def newest_row(self) -> F32:
        """``f32[1, G]`` of the newest bar."""
        close = np.array(self._close)
        spread = np.full(len(close), self._spread)
        opens = np.array(self._open_ns, np.int64)
        return surroundings.fx_context(opens, close, spread, self._config, newest=1)


def _without_old(points: Series, now_ns: int) -> Series:
    known = int(np.searchsorted(points.known_ns, now_ns, side="right"))
    if known <= 2 * _KEPT_POINTS:
        return points
    return points.slice(known - _KEPT_POINTS, len(points))
