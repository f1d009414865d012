"""Small deterministic markets for the tests."""

from dataclasses import replace

import numpy as np

from mlx_muzero.market.bars import Bars

MINUTE_NS = 60_000_000_000
MONDAY_NS = 1_546_819_200_000_000_000  # 2019-01-07 00:00 UTC


def quoted_bars(count: int, seed: int = 0, symbol: str = "TEST") -> Bars:
    """`walk_bars` with asks that are 0 to 40 steps above the bids, another at open and close."""
    bars = walk_bars(count, seed, symbol)
    spreads = np.random.default_rng(seed + 1).integers(0, 41, (2, count)) / 1000.0
    asks = {"open_ask": bars.open + spreads[0], "close_ask": bars.close + spreads[1]}
    return replace(bars, extras=asks)


def walk_bars(count: int, seed: int = 0, symbol: str = "TEST") -> Bars:
    """A gapless random walk of one-minute bars in steps of a tenth of a pip."""
    steps = np.random.default_rng(seed).integers(-30, 31, count) / 1000.0
    close = np.round(110.0 + np.cumsum(steps), 3)
    opened = np.concatenate([[110.0], close[:-1]])
    return Bars(
        symbol=symbol,
        open_time_ns=MONDAY_NS + MINUTE_NS * np.arange(count, dtype=np.int64),
        open=opened,
        high=np.maximum(opened, close),
        low=np.minimum(opened, close),
        close=close,
        volume=np.full(count, np.nan),
    )
