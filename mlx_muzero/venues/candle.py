"""A bar as the venue sends it: possibly unfinished, out of order, repeated or impossible."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlx_muzero.market.bars import Fault as PriceFault
from mlx_muzero.market.bars import price_faults
from mlx_muzero.timeunits import MINUTE_NS

NO_TIME = "its time cannot be read"
NOT_WHOLE = "its time is not a whole minute"
"""Why a bar can be none, whatever its prices."""

_LAST_NS = 2**63 - 1  # the latest time a store can hold, in the year 2262


@dataclass(frozen=True)
class Candle:
    """One row of a venue's answer.

    Attributes:
        open_time_ns: open of the minute; None if the venue's text is not a time.
        open: first price; NaN if it is not a number, as for the other prices.
        high: highest price.
        low: lowest price.
        close: last price so far.
        volume: traded volume or ticks, NaN if unknown.
        complete: whether the venue says the minute is over; None if it says nothing.
        source_time_ns: the venue's clock when it sent the row; None if unknown.
        open_ask: first ask, where `open` is a bid; NaN if unknown or not asked for.
        taker_buy_volume: part of `volume` that takers bought; NaN if unknown.
        trades: number of trades; NaN if unknown.
        close_ask: last ask so far, as `open_ask`.
    """

    open_time_ns: int | None
    open: float
    high: float
    low: float
    close: float
    volume: float
    complete: bool | None = None
    source_time_ns: int | None = None
    open_ask: float = math.nan
    taker_buy_volume: float = math.nan
    trades: float = math.nan
    close_ask: float = math.nan

    @property
    def taker_buy_share(self) -> float | None:
        """Share of the volume that takers bought; None if unknown or nothing was traded."""
        share = self.taker_buy_volume / self.volume if self.volume > 0.0 else math.nan
        return share if 0.0 <= share <= 1.0 else None

    @property
    def trade_count(self) -> float | None:
        """Number of trades; None if unknown."""
        return self.trades if 0.0 <= self.trades < math.inf else None

    def fault(self) -> str | None:
        """Why this cannot be a minute bar; None if it can."""
        return self._fault

    @cached_property
    def _fault(self) -> str | None:
        if self.open_time_ns is None:
            return NO_TIME
        if self.open_time_ns % MINUTE_NS:
            return NOT_WHOLE
        row = (np.array([x]) for x in (self.open, self.high, self.low, self.close, self.volume))
        fault = PriceFault(price_faults(*row)[0])
        return fault.text if fault else None


def number(value: Any) -> float:
    """`value` of a JSON answer as a number, NaN if it is not one."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def known_time_ns(value: Any, unit_ns: int) -> int | None:
    """`value` of a JSON answer in units of `unit_ns` since 1970, as ns; None if invalid."""
    if not isinstance(value, int) or not 0 <= value <= _LAST_NS // unit_ns:
        return None
    return value * unit_ns
