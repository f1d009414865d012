"""What the networks see of one pair, bar by bar: bit-identical to the batch path's windows."""

from collections import deque
from typing import Protocol

import numpy as np

from mlx_muzero.config import MarketConfig
from mlx_muzero.market.bars import MINUTE_NS
from mlx_muzero.market.features import FEATURE_NAMES, HISTORY_BARS, LiveFeatures
from mlx_muzero.market.outcomes import DEVIATION_BARS, next_threshold
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.types import F32


class Observer(Protocol):
    """Makes the observations of one pair."""

    @property
    def history_bars(self) -> int:
        """Bars after which the newest row no longer depends on older ones."""
        ...

    @property
    def last_open_ns(self) -> int | None:
        """Open of the last bar; None before the first."""
        ...

    def push(self, bar: LiveBar) -> None:
        """Take in the next closed bar."""
        ...

    def warming(self) -> str | None:
        """Why there is no observation yet; None if there is one."""
        ...

    def observe(self, position_features: F32) -> F32:
        """``f32[W, F]`` at the last bar, from ``f32[6]`` of the account."""
        ...

    def threshold_pips(self) -> float:
        """Change of the next close above which it is UP; NaN while unknown."""
        ...


class FxObserver:
    """The observation of `trading.env.observations`, from closes alone.

    Args:
        market: window, pip and the longest hole a window may have.
    """

    def __init__(self, market: MarketConfig) -> None:
        self._market = market
        self._features = LiveFeatures(market.pip_size)
        self._rows: deque[F32 | None] = deque(maxlen=market.window_bars)
        self._open_ns: deque[int] = deque(maxlen=market.window_bars)
        self._closes: deque[float] = deque(maxlen=DEVIATION_BARS + 1)

    @property
    def history_bars(self) -> int:
        """See `Observer.history_bars`."""
        return HISTORY_BARS + self._market.window_bars - 1

    @property
    def last_open_ns(self) -> int | None:
        """See `Observer.last_open_ns`."""
        return self._open_ns[-1] if self._open_ns else None

    def push(self, bar: LiveBar) -> None:
        """See `Observer.push`."""
        self._rows.append(self._features.push(bar.open_time_ns, bar.close))
        self._open_ns.append(bar.open_time_ns)
        self._closes.append(bar.close)

    def warming(self) -> str | None:
        """See `Observer.warming`: too few bars, or a hole no training session has."""
        window = self._market.window_bars
        ready = sum(row is not None for row in self._rows)
        if ready < window:
            return f"{window - ready} more bars until the first whole window"
        steps = np.diff(np.array(self._open_ns, np.int64))
        holes = np.flatnonzero(steps > round(self._market.max_gap_minutes * MINUTE_NS))
        if len(holes):
            minutes, left = int(steps[holes[-1]]) // MINUTE_NS, int(holes[-1]) + 1
            return f"a hole of {minutes} minutes leaves its window in {left} bars"
        return None

    def observe(self, position_features: F32) -> F32:
        """See `Observer.observe`."""
        observation = np.empty(
            (self._market.window_bars, len(FEATURE_NAMES) + len(position_features)), np.float32
        )
        for row, features in enumerate(self._rows):
            observation[row, : len(FEATURE_NAMES)] = features
        observation[:, len(FEATURE_NAMES) :] = position_features
        return observation

    def threshold_pips(self) -> float:
        """See `Observer.threshold_pips`."""
        return next_threshold(np.array(self._closes)) / self._market.pip_size
