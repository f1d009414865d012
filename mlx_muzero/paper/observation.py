"""The networks' input for one pair, bar by bar, bit-identical to the batch path's windows."""

import math
from collections import deque

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.market.funding_rates import FundingAt, FundingRates
from mlx_muzero.market.observation.frames import minutes_before
from mlx_muzero.market.observation.live import LiveMarket
from mlx_muzero.market.observation.outcomes import DEVIATION_BARS, next_threshold
from mlx_muzero.market.observation.timeframes import Bar
from mlx_muzero.market.series import (
    FUNDING_ANNOUNCED,
    FUNDING_RATE,
    Series,
    SeriesByName,
    max_age_ns,
)
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS
from mlx_muzero.trading.costs import pip_price
from mlx_muzero.types import F32


class Observer:
    """Builds the observations of one pair.

    Args:
        market: columns, window, pip and the longest hole allowed in a window.
        symbol: the pair.
        series: series in addition to its bars, as far as they are known beforehand.
    """

    def __init__(
        self, market: MarketConfig, symbol: str, series: SeriesByName | None = None
    ) -> None:
        self._market, self._symbol = market, symbol
        series = series or {}
        self._live = LiveMarket(market, symbol, series)
        self._funding = {
            name: series.get(name, Series.empty(symbol, name))
            for name in (FUNDING_RATE, FUNDING_ANNOUNCED)
        }
        self._bars = 0
        self._open_ns: deque[int] = deque(maxlen=market.window_bars)
        self._closes: deque[float] = deque(maxlen=DEVIATION_BARS + 1)

    @property
    def history_bars(self) -> int:
        """Number of bars after which an observation no longer depends on older ones."""
        # The longest frame at the start of the history is dropped if it is incomplete.
        return minutes_before(self._market) + 1 + HOUR_NS // MINUTE_NS

    @property
    def last_open_ns(self) -> int | None:
        """Open of the last bar; None before the first."""
        return self._open_ns[-1] if self._open_ns else None

    def sees(self, series: str) -> bool:
        """Whether observations have a column of that series."""
        return series in (*self._market.context, *self._market.macro)

    def add(self, points: Series) -> None:
        """Add points of a series in addition to the bars, from a feed."""
        if points.name in self._funding:
            self._funding[points.name] = self._funding[points.name].with_later(points)
        if points.name != FUNDING_ANNOUNCED:
            self._live.add_series(points)

    def push(self, bar: LiveBar) -> FundingAt:
        """Take the next closed bar; return its funding."""
        opens = [*([] if self.last_open_ns is None else [self.last_open_ns]), bar.open_time_ns]
        spread = math.nan if bar.spread is None else bar.spread
        minute = Bar(bar.open_time_ns, bar.open, bar.high, bar.low, bar.close, bar.volume, spread)
        self._live.push(minute)
        self._bars += 1
        self._open_ns.append(bar.open_time_ns)
        self._closes.append(bar.close)
        funding = FundingRates.of(np.array(opens, np.int64), self._funding).at(-1)
        self._forget_announcements(bar.close_time_ns)
        return funding

    def _forget_announcements(self, close_ns: int) -> None:
        """Drop those before the newest one known by a close, of which a day brings a thousand."""
        heard = self._funding[FUNDING_ANNOUNCED]
        newest = heard.newest(np.array([close_ns]), max_age_ns(FUNDING_ANNOUNCED))[0]
        self._funding[FUNDING_ANNOUNCED] = heard.slice(max(int(newest), 0), len(heard))

    def warming(self) -> str | None:
        """Why there is no observation yet; None if there is one."""
        if not self._live.warm:
            needed = minutes_before(self._market) + 1
            return f"{self._bars:,} bars so far; a full observation needs at least {needed:,}"
        steps = np.diff(np.array(self._open_ns, np.int64))
        holes = np.flatnonzero(steps > round(self._market.max_gap_minutes * MINUTE_NS))
        if len(holes):
            minutes, left = int(steps[holes[-1]]) // MINUTE_NS, int(holes[-1]) + 1
            return f"a hole of {minutes} minutes stays in the window for another {left} bars"
        return None

    def observe(self, position_features: F32) -> F32:
        """The observation ``f32[W, F]`` at the last bar; `position_features` is ``f32[n]``.

        Raises:
            ValueError: still warming up.
        """
        window = self._live.window()
        held = np.broadcast_to(position_features, (len(window), len(position_features)))
        return np.concatenate([window, held], axis=1)

    def threshold_pips(self) -> float:
        """Change of the next close, in pips, above which it counts as UP; NaN while unknown."""
        closes = np.array(self._closes)
        pip = pip_price(closes[-1:], self._market.pip_size)
        return float(np.max(next_threshold(closes) / pip))
