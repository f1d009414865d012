"""The money formulas: pips of a price move, and pips paid for fills and for funding.

A pip is a price amount fixed for the instrument (FX: 0.01 of a yen), or, where `pip_size` is 0, a
basis point of the price at which the exposure was filled. So exposure 1 is a constant notional, and
a price move is worth pips of that notional.
"""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.config.schema import TradingConfig
from mlx_muzero.types import F64, I64

BASIS_POINT = 1e-4


def pip_price(fill_price: F64, pip_size: float) -> F64 | float:
    """Price of one pip of an exposure filled at `fill_price`: `pip_size`, or one basis point."""
    return pip_size or fill_price * BASIS_POINT


def gross_pips(exposure: F64, entry_price: F64, price: F64, pip_price: F64 | float) -> F64:
    """Pips before costs of holding `exposure` from `entry_price` to `price`, elementwise.

    FX specifies ``(current_price - entry_price) * 100``, that is a pip of 0.01 (ADR 6).
    """
    return exposure * (price - entry_price) / pip_price


def equity_pips(realized: F64, unrealized: F64, cost: F64, funding: F64) -> F64:
    """Net pips of an account, elementwise.

    Args:
        realized: net of the closed trades.
        unrealized: gross of the open one.
        cost: paid so far for the fills of the open one.
        funding: paid so far on it.
    """
    return realized + unrealized - (cost + funding)


def funding_pips(exposure: F64, price: F64, rate: F64, pip_price: F64 | float) -> F64:
    """Pips that `exposure` pays when funding settles at `price`; longs pay a positive `rate`.

    Args:
        exposure: signed exposure held.
        price: price of the instrument at the settlement.
        rate: fraction of the position's value.
        pip_price: price of one pip at the fill that opened `exposure`.
    """
    return exposure * price * rate / pip_price


@dataclass(frozen=True)
class Swap:
    """What holding a currency pair over 17:00 New York costs, a night and exposure of 1.

    Attributes:
        long_pips: paid by a long position; negative if it earns.
        short_pips: paid by a short position.
    """

    long_pips: float = 0.0
    short_pips: float = 0.0

    @property
    def charges(self) -> bool:
        """Whether holding overnight changes any account."""
        return self != Swap()

    def paid_pips(self, exposure: F64, nights: F64 | I64) -> F64:
        """Pips that the signed `exposure` pays for `nights`, elementwise."""
        a_night = np.where(exposure > 0.0, exposure * self.long_pips, -exposure * self.short_pips)
        return np.asarray(a_night * nights, np.float64)


@dataclass(frozen=True)
class Costs:
    """What fills cost.

    Attributes:
        round_trip_pips: cost per exposure of 1, charged on entry for both entry and exit (FX).
        fill_bps: cost in basis points of the notional of every fill (crypto).
        quoted: whether fills also pay the quoted spread: prices are bids, so selling pays nothing
            and buying the distance to the ask.
        clock_minutes: at bars that open at a multiple of so many minutes since 1970 UTC, a round
            trip costs `clock_pips` instead; 0 where it always costs the same.
        clock_pips: see there.
    """

    round_trip_pips: float = 4.0
    fill_bps: float = 0.0
    quoted: bool = False
    clock_minutes: int = 0
    clock_pips: float = 0.0

    @classmethod
    def from_config(cls, trading: TradingConfig) -> "Costs":
        """The configured costs: makers pay only a fee, takers also half the spread and slippage.

        Quotes replace what the configuration says of the spread.
        """
        if trading.cost == "quotes":
            return cls(0.0, trading.taker_fee_bps + trading.slippage_bps, quoted=True)
        taker_bps = trading.taker_fee_bps + trading.spread_bps / 2 + trading.slippage_bps
        maker_bps = trading.maker_fee_bps
        fill_bps = taker_bps + trading.maker_frac * (maker_bps - taker_bps)
        return cls(
            trading.round_trip_cost_pips,
            fill_bps,
            clock_minutes=trading.cost_clock_minutes,
            clock_pips=trading.cost_clock_pips,
        )

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: a negative cost.
        """
        if not min(self.round_trip_pips, self.fill_bps, self.clock_pips) >= 0.0:
            raise ValueError("costs must not be negative")

    @property
    def phases(self) -> int:
        """After so many minutes the costs repeat: 1 where they never change."""
        return max(self.clock_minutes, 1)

    @property
    def by_minute(self) -> tuple[float, ...]:
        """Round trip charged by the minute of the entry, modulo their number."""
        charged = np.broadcast_to(self.entry_pips(np.arange(self.phases)), self.phases)
        return tuple(charged.tolist())

    def entry_pips(self, minute: I64 | None) -> F64 | float:
        """Round trip charged for entering at the bars that open at `minute`, elementwise.

        Args:
            minute: minutes since 1970 UTC of the bars' opens; counts only if costs follow a clock.

        Raises:
            ValueError: costs follow a clock and the minute is not given.
        """
        if not self.clock_minutes:
            return self.round_trip_pips
        if minute is None:
            raise ValueError("a cost that follows the clock needs the minute of the fill")
        due = minute % self.clock_minutes == 0
        return np.where(due, self.clock_pips, self.round_trip_pips)

    def fill_pips(
        self,
        before: F64,
        after: F64,
        price: F64,
        pip_size: float,
        spread: F64 | None = None,
        minute: I64 | None = None,
    ) -> tuple[F64, F64]:
        """Pips paid to leave the exposure given up and to enter the exposure added; elementwise.

        On the same side only the difference is filled; a change of side fills both in full.

        Args:
            before: signed exposure held, as its notional at `price`.
            after: signed exposure wanted.
            price: price of the fill; the bid, if the costs are quoted.
            pip_size: price of one pip; 0 where a pip is a basis point.
            spread: ask less bid at the fill; counts only if the costs are quoted.
            minute: as in `entry_pips`, of the bar at which the fill was decided.

        Raises:
            ValueError: the costs are quoted and the spread is not given, or follow a clock and the
                minute is not.
        """
        same_side = np.sign(before) == np.sign(after)
        kept = np.where(same_side, np.minimum(abs(before), abs(after)), 0.0)
        fill_pips = self.fill_bps * (BASIS_POINT * price / pip_price(price, pip_size))
        if self.quoted:
            if spread is None:
                raise ValueError("a fill at the quotes needs their spread")
            fill_pips = fill_pips + np.where(
                after > before, spread / pip_price(price, pip_size), 0.0
            )
        left = (abs(before) - kept) * fill_pips
        return left, (abs(after) - kept) * (self.entry_pips(minute) + fill_pips)
