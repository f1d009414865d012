"""Pips gained by a price move and pips paid for a trade: the only two money formulas."""

from mlx_muzero.types import F64


def gross_pips(exposure: F64, entry_price: F64, price: F64, pip_size: float) -> F64:
    """Pips before costs of holding `exposure` from `entry_price` to `price`, elementwise.

    FX writes ``(current_price - entry_price) * 100``, which is a pip of 0.01 (design 3.4).
    """
    return exposure * (price - entry_price) / pip_size


def trade_cost_pips(exposure: F64, round_trip_cost_pips: float) -> F64:
    """Pips one whole trade of `exposure` pays: the round trip, charged when it is entered."""
    return abs(exposure) * round_trip_cost_pips
