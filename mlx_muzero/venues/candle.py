"""A bar as a venue sends it: not yet known to be closed, in order, new, or even possible."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlx_muzero.market.bars import Fault as PriceFault
from mlx_muzero.market.bars import price_faults
from mlx_muzero.timeunits import MINUTE_NS

_LAST_NS = 2**63 - 1  # what a store can hold: the year 2262


@dataclass(frozen=True)
class Candle:
    """One row of a venue's answer.

    Attributes:
        open_time_ns: None where the venue's text is no time.
        open: NaN where it is no number; so are the others.
        high: highest price.
        low: lowest price.
        close: last price so far.
        volume: traded volume or ticks, NaN where unknown.
        complete: the venue's own word on whether the minute is over; None where it gives none.
        source_time_ns: the venue's clock when it sent this; None where it does not say.
    """

    open_time_ns: int | None
    open: float
    high: float
    low: float
    close: float
    volume: float
    complete: bool | None = None
    source_time_ns: int | None = None

    def fault(self) -> str | None:
        """Why this can be no minute bar; None if it can."""
        if self.open_time_ns is None:
            return "its time cannot be read"
        if self.open_time_ns % MINUTE_NS:
            return "its time is not a whole minute"
        row = (np.array([x]) for x in (self.open, self.high, self.low, self.close, self.volume))
        fault = PriceFault(price_faults(*row)[0])
        return fault.text if fault else None


def number(value: Any) -> float:
    """`value` of a JSON answer as a number, NaN if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def known_time_ns(value: Any, unit_ns: int) -> int | None:
    """`value` of a JSON answer, counted in `unit_ns` from 1970; None if it is no such time."""
    if not isinstance(value, int) or not 0 <= value <= _LAST_NS // unit_ns:
        return None
    return value * unit_ns
