"""Candles of a page: minute bars near trades, longer ones elsewhere where there are too many."""

from collections.abc import Mapping

import numpy as np

from mlx_muzero.evaluation.page.contents import Candles
from mlx_muzero.market.bars import Bars
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import I64, Bool

MOST_BARS = 400_000
"""Candles of all symbols together; some three megabytes of a page."""

NEAR_MINUTES = 120
"""Bars as close to a fill as this are never joined."""

_WIDTHS = (5, 15, 60, 240, 1440)
"""Minutes of the longer candles, the shortest that suffice being taken."""


def candles_of(
    bars: Mapping[str, Bars], fills_ns: Mapping[str, I64], most: int = MOST_BARS
) -> list[Candles]:
    """Candles of every symbol, at most about `most` in all.

    Args:
        bars: by symbol.
        fills_ns: ``i64[n]`` UTC times of fills, by symbol; these stay exact to the minute.
        most: candles in all.
    """
    near = {name: _near(each.open_time_ns, fills_ns[name]) for name, each in bars.items()}
    width = _width(bars, near, most)
    return [_candles(name, each, near[name], width) for name, each in bars.items()]


def _near(open_time_ns: I64, fills_ns: I64) -> Bool:
    """``bool[T]`` whether a fill is within `NEAR_MINUTES` of a bar."""
    reach = NEAR_MINUTES * MINUTE_NS
    ordered = np.sort(fills_ns)
    first = np.searchsorted(ordered, open_time_ns - reach)
    last = np.searchsorted(ordered, open_time_ns + reach, side="right")
    return np.asarray(last > first)


def _width(bars: Mapping[str, Bars], near: Mapping[str, Bool], most: int) -> int:
    """Minutes of a candle far from fills."""
    if sum(len(each) for each in bars.values()) <= most:
        return 1
    for width in _WIDTHS:
        count = sum(len(_firsts(each, near[name], width)) for name, each in bars.items())
        if count <= most:
            return width
    return _WIDTHS[-1]


def _firsts(bars: Bars, near: Bool, width: int) -> I64:
    """The first bar of each candle: every bar near a fill, else one of each stretch of time."""
    stretch = bars.open_time_ns // (width * MINUTE_NS)
    begins = near | (np.diff(stretch, prepend=-1) != 0)
    begins[1:] |= near[:-1]
    return np.flatnonzero(begins)


def _candles(symbol: str, bars: Bars, near: Bool, width: int) -> Candles:
    first = _firsts(bars, near, width) if width > 1 else np.arange(len(bars))
    last = np.append(first[1:], len(bars)) - 1
    note = ""
    if len(first) < len(bars):
        note = (
            f"Bars more than {NEAR_MINUTES} minutes from every fill are joined to candles of "
            f"{width} minutes: {len(bars):,} bars are shown as {len(first):,} candles."
        )
    return Candles(
        symbol,
        bars.open_time_ns[first],
        bars.open[first],
        np.maximum.reduceat(bars.high, first),
        np.minimum.reduceat(bars.low, first),
        bars.close[last],
        note,
    )
