"""How large costs are beside the price they are paid on: the one place that says it."""

from math import floor, log10

import numpy as np

from mlx_muzero.market.instrument import known_instrument
from mlx_muzero.trading.costs import BASIS_POINT, Costs
from mlx_muzero.types import F64

LEAST_BPS, MOST_BPS = 0.01, 100.0
"""Of a round trip; what lies beyond is more likely a wrong pip or a wrong key than a market."""


_STEPS = (5.0, 2.5, 1.0)
_LARGEST_COUNT = 10**9
_CLOSES_LOOKED_AT = 20_000
_FEWEST_PRICES = 20
_OFF_THE_GRID_FRAC = 0.01
"""Of closes: another feed's, or a vendor's mean."""


def round_trip_bps(costs: Costs, price: float, pip_size: float) -> float:
    """Basis points of `price` that exposure 1 pays, in and out.

    Args:
        costs: what fills pay.
        price: price of one unit of the instrument.
        pip_size: price of one pip; 0 where a pip is a basis point.
    """
    pip = pip_size or price * BASIS_POINT
    return costs.round_trip_pips * pip / (price * BASIS_POINT) + 2.0 * costs.fill_bps


def cost_note(costs: Costs, price: float, pip_size: float) -> str:
    """What a round trip costs at `price`, in words, and whether that is absurd."""
    bps = round_trip_bps(costs, price, pip_size)
    size = f"{bps:.3g} bps"
    if pip_size:
        size = f"{costs.round_trip_pips:g} pips of {pip_size:g}, {size} of the price {price:g}"
    return f"a round trip costs {size}{verdict(bps)}"


def verdict(bps: float) -> str:
    """What to say of a round trip that costs `bps`; nothing, if a market may charge so much."""
    if bps < LEAST_BPS:
        return f": next to nothing, below {LEAST_BPS:g} bps. Check the costs and the pip"
    if bps > MOST_BPS:
        return f": more than {MOST_BPS:g} bps. Check the costs and the pip"
    return ""


def price_step(close: F64) -> float | None:
    """The smallest step that prices move by: 1, 2.5 or 5 times a power of ten.

    Args:
        close: ``f64[T]`` positive prices of one instrument.

    Returns:
        The largest such step whose multiples nearly all of them are; None where there is none, or
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
    """What to say where one step of the price is worth more than a round trip costs.

    Bid and ask are a step apart at least, so that no market fills for less.

    Args:
        symbol: whose prices.
        close: ``f64[T]`` of them; where they are too few, its name tells the step, or nothing.
        costs: what fills pay.
        pip_size: price of one pip; 0 where a pip is a basis point.
    """
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
