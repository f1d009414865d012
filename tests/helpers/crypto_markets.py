"""Small crypto markets with holes and a series of every kind beside them."""

from typing import get_args

import numpy as np

from markets import MINUTE_NS, MONDAY_NS
from mlx_muzero.config.choices import ContextSeries
from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.series import FUNDING_ANNOUNCED, MACRO, MAX_AGE_NS, Series

CONFIG = MarketConfig(
    symbol="AAA",
    symbols=("AAA", "BBB"),
    pip_size=0.0,
    features="crypto",
    timeframes=("5m", "1h"),
    context=tuple(name for name in MAX_AGE_NS if name in get_args(ContextSeries)),
    macro=("cpi",),
    session_bars=30,
    window_bars=4,
)
INTERVAL_MINUTES = {
    "funding_rate": 480,
    "open_interest": 5,
    "taker_buy_share": 1,
    "book_imbalance": 1,
    "trade_count": 1,
}
SETTLES_NS = INTERVAL_MINUTES["funding_rate"] * MINUTE_NS
LEVEL = {"open_interest": 5000.0, "taker_buy_share": 0.5, "trade_count": 900.0}
SCALE = {
    "funding_rate": 2e-4,
    "open_interest": 300.0,
    "taker_buy_share": 0.2,
    "trade_count": 90.0,
}


def crypto_bars(symbol, count, seed=0, hole_frac=0.02):
    """A geometric random walk of `count` minutes; some are missing, some of them quiet."""
    draw = np.random.default_rng(seed)
    minute = np.flatnonzero(draw.random(count) >= hole_frac)
    close = 250.0 * np.exp(np.cumsum(draw.normal(0, 5e-4, count)))[minute]
    quiet = draw.random(len(minute)) < 0.03
    opened = np.where(quiet, close, close * np.exp(draw.normal(0, 3e-4, len(minute))))
    reach = np.where(quiet, 0.0, draw.exponential(2e-4, len(minute)))
    return Bars(
        symbol,
        MONDAY_NS + minute * MINUTE_NS,
        opened,
        np.maximum(opened, close) * (1 + reach),
        np.minimum(opened, close) * (1 - reach),
        close,
        np.where(quiet, 0.0, draw.lognormal(2.0, 1.5, len(minute))),
    )


def points(symbol, name, event_ns, seed=0):
    """A point of the series at each time, known up to 20 ms later."""
    draw = np.random.default_rng(seed)
    jitter = draw.integers(0, 20, len(event_ns)) * 1_000_000
    value = LEVEL.get(name, 0.0) + SCALE.get(name, 0.3) * draw.normal(size=len(event_ns))
    return Series.of(symbol, name, event_ns, event_ns + jitter, value)


def every_series(symbol, minutes, seed=0):
    """All of `CONFIG`'s series over `minutes`, with points missing."""
    draw = np.random.default_rng(seed + 1)
    series = {}
    for name, interval in INTERVAL_MINUTES.items():
        at = MONDAY_NS + np.arange(0, minutes, interval) * MINUTE_NS
        series[name] = points(symbol, name, at[draw.random(len(at)) > 0.2], seed)
    heard = MONDAY_NS + np.arange(0, minutes, 7) * MINUTE_NS + 20_000_000_000
    due = (heard // SETTLES_NS + 1) * SETTLES_NS
    rate = 1e-5 * draw.integers(-9, 9, len(heard))
    series[FUNDING_ANNOUNCED] = Series.of(symbol, FUNDING_ANNOUNCED, due, heard, rate)
    releases = MONDAY_NS + np.arange(-20, minutes // 300) * 300 * MINUTE_NS
    series["cpi"] = points(MACRO, "cpi", releases, seed)
    return series


def history(symbol, count, seed=0):
    """Bars and every series of one pair."""
    return PairHistory(crypto_bars(symbol, count, seed), every_series(symbol, count, seed))
