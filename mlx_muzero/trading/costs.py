"""The money formulas: pips of a price move, and pips paid for fills and for funding.

An instrument's pip is a price of its own (FX: 0.01 of a yen), or, where `pip_size` is 0, a basis
point of the price an exposure was filled at. So an exposure of 1 is one constant notional, and a
move is worth pips of that notional.
"""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.config.schema import TradingConfig
from mlx_muzero.types import F64

BASIS_POINT = 1e-4


def pip_price(fill_price: F64, pip_size: float) -> F64 | float:
    """Price of one pip of exposures filled at `fill_price`: `pip_size`, or its basis point."""
    return pip_size or fill_price * BASIS_POINT


def gross_pips(exposure: F64, entry_price: F64, price: F64, pip_price: F64 | float) -> F64:
    """Pips before costs of holding `exposure` from `entry_price` to `price`, elementwise.

    FX writes ``(current_price - entry_price) * 100``, which is a pip of 0.01 (ADR 6).
    """
    return exposure * (price - entry_price) / pip_price


def funding_pips(exposure: F64, price: F64, rate: F64, pip_price: F64 | float) -> F64:
    """Pips that `exposure` pays when funding settles at `price`; longs pay a positive `rate`.

    Args:
        exposure: signed.
        price: price of the instrument at the settlement.
        rate: fraction of the position's worth.
        pip_price: of the fill that `exposure` comes from.
    """
    return exposure * price * rate / pip_price


@dataclass(frozen=True)
class Costs:
    """What fills pay.

    Attributes:
        round_trip_pips: of exposure 1 entered, spread and commission of its way out included (FX).
        fill_bps: of the notional of every fill, in and out (crypto).
    """

    round_trip_pips: float = 4.0
    fill_bps: float = 0.0

    @classmethod
    def from_config(cls, trading: TradingConfig) -> "Costs":
        """The configured costs: makers pay a fee only, takers half the spread and slippage too."""
        taker_bps = trading.taker_fee_bps + trading.spread_bps / 2 + trading.slippage_bps
        maker_bps = trading.maker_fee_bps
        fill_bps = taker_bps + trading.maker_frac * (maker_bps - taker_bps)
        return cls(trading.round_trip_cost_pips, fill_bps)

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: a negative cost.
        """
        if not (self.round_trip_pips >= 0.0 and self.fill_bps >= 0.0):
            raise ValueError("costs must not be negative")

    def fill_pips(self, before: F64, after: F64, price: F64, pip_size: float) -> tuple[F64, F64]:
        """Pips paid to leave what is given up, and to enter what is taken on; elementwise.

        From one side to the same side only the difference is filled; from one to the other, all
        of both.

        Args:
            before: signed exposure held, in the notional it is worth at `price`.
            after: signed exposure wanted.
            price: price of the fill.
            pip_size: price of one pip; 0 where a pip is a basis point.
        """
        same_side = np.sign(before) == np.sign(after)
        kept = np.where(same_side, np.minimum(abs(before), abs(after)), 0.0)
        fill_pips = self.fill_bps * (BASIS_POINT * price / pip_price(price, pip_size))
        left = (abs(before) - kept) * fill_pips
        return left, (abs(after) - kept) * (self.round_trip_pips + fill_pips)
