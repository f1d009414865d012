"""The size of trading costs relative to price, and warnings about implausible ones."""

from math import floor, log10

import numpy as np

from mlx_muzero.market.instrument import known_instrument
from mlx_muzero.trading.costs import BASIS_POINT, Costs
from mlx_muzero.types import F64

LEAST_BPS, MOST_BPS = 0.01, 100.0
"""Plausible cost of a round trip; beyond these a wrong pip or key is likelier than a market."""


_STEPS = (5.0, 2.5, 1.0)
_LARGEST_COUNT = 10**9
_CLOSES_LOOKED_AT = 20_000
_FEWEST_PRICES = 20
_OFF_THE_GRID_FRAC = 0.01
"""Share of closes allowed off the grid: from another feed, or averaged by the vendor."""


def round_trip_bps(costs: Costs, price: float, pip_size: float, spread_bps: float = 0.0) -> float:
    """Cost of a round trip of exposure 1, in basis points of `price`.

    Args:
        costs: what fills cost.
        price: price of one unit of the instrument.
        pip_size: price of one pip; 0 where a pip is a basis point.
        spread_bps: the usual spread of the quotes, which a round trip pays once if they are paid.
    """
    pip = pip_size or price * BASIS_POINT
    fixed = costs.round_trip_pips * pip / (price * BASIS_POINT) + 2.0 * costs.fill_bps
    return fixed + spread_bps * costs.quoted


def spread_pips(spread_bps: float, price: float, pip_size: float) -> float:
    """A spread of `spread_bps` of `price` in pips."""
    return spread_bps * price * BASIS_POINT / pip_size if pip_size else spread_bps


def cost_note(costs: Costs, price: float, pip_size: float, spread_bps: float = 0.0) -> str:
    """A sentence with the cost of a round trip at `price`, and a warning if it is implausible.

    Arguments as of `round_trip_bps`.
    """
    bps = round_trip_bps(costs, price, pip_size, spread_bps)
    size = f"{bps:.3g} bps"
    if pip_size:
        pips = f"{costs.round_trip_pips:g}"
        if costs.quoted:
            pips = f"{spread_pips(bps, price, pip_size):.3g}"
        size = f"{pips} pips of {pip_size:g}, {size} of the price {price:g}"
    if costs.quoted:
        size += f", the quoted spread of {spread_bps:.3g} bps included"
    if costs.clock_minutes:
        size += f" (but {clock_note(costs.clock_minutes, costs.clock_pips)})"
    return f"a round trip costs {size}{verdict(bps)}"


def clock_note(minutes: int, pips: float) -> str:
    """What a clock does to costs, in words."""
    return f"{pips:g} at bars that open at every {minutes}th minute"


def verdict(bps: float) -> str:
    """A warning about a round trip that costs `bps`; empty if the cost is plausible."""
    if bps < LEAST_BPS:
        return f": next to nothing, below {LEAST_BPS:g} bps. Check the costs and the pip"
    if bps > MOST_BPS:
        return f": more than {MOST_BPS:g} bps. Check the costs and the pip"
    return ""


def price_step(close: F64) -> float | None:
    """The tick size of a price series: 1, 2.5 or 5 times a power of ten.

    Args:
        close: ``f64[T]`` positive prices of one instrument.

    Returns:
        The largest such step of which nearly all prices are multiples; None if there is none, or
        too few prices to tell.
    """
    prices = np.unique(close[:: len(close) // _CLOSES_LOOKED_AT + 1])
    if len(prices) < _FEWEST_PRICES:
        return None
    highest = floor(log10(prices[-1]))
    for exponent in range(highest, highest - int(log10(_LARGEST_COUNT)), -1):
        for digits in _STEPS:
            step = digits * 10.0**exponent
            count = prices / step
            off = np.abs(count - np.rint(count)) > 1e-4
            if off.mean() <= _OFF_THE_GRID_FRAC:
                return step
    return None


def step_note(symbol: str, close: F64, costs: Costs, pip_size: float) -> str | None:
    """A warning if one price step is worth more than a round trip costs, otherwise None.

    Bid and ask are at least one step apart, so no market fills more cheaply. Quotes are facts.

    Args:
        symbol: the instrument.
        close: ``f64[T]`` its prices; if too few to tell, the step is looked up by symbol.
        costs: what fills cost.
        pip_size: price of one pip; 0 where a pip is a basis point.
    """
    if costs.quoted:
        return None
    known = known_instrument(symbol)
    step = price_step(close) or (None if known is None else known.price_step)
    if step is None:
        return None
    price = float(np.median(close))
    step_bps, cost_bps = step / (price * BASIS_POINT), round_trip_bps(costs, price, pip_size)
    if step_bps <= cost_bps:
        return None
    return (
        f"{symbol}: one step of its price, {step:g}, is {step_bps:.3g} bps of it, but a round trip "
        f"costs {cost_bps:.3g} bps: bid and ask are at least one step apart, so no fill is "
        "that cheap"
    )
