"""How large costs are beside the price they are paid on: the one place that says it."""

from mlx_muzero.trading.costs import BASIS_POINT, Costs

LEAST_BPS, MOST_BPS = 0.01, 100.0
"""Of a round trip; what lies beyond is more likely a wrong pip or a wrong key than a market."""


def round_trip_bps(costs: Costs, price: float, pip_size: float) -> float:
    """Basis points of `price` that exposure 1 pays, in and out.

    Args:
        costs: what fills pay.
        price: of the instrument.
        pip_size: of the instrument; 0 where a pip is a basis point.
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
