"""Decides when a simulated order is filled, and at what price (docs/paper.md gives the reasons).

A feed has only bars, so an order gets the open of the first bar it arrives in time for.
"""

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from mlx_muzero.paper.settings import FillSettings
from mlx_muzero.timeunits import MILLISECOND_NS, MINUTE_NS
from mlx_muzero.types import F64, I64

_Time = TypeVar("_Time", int, I64)
"""A UTC time in nanoseconds, or an array of them."""


@dataclass(frozen=True)
class Order:
    """An order to change one pair's exposure.

    Attributes:
        id: number of the order within the session.
        pair: symbol.
        close_ns: end of the minute it was decided on.
        sent_ns: when it was sent.
        action: index into the action table.
        from_exposure: exposure held when it was sent.
        to_exposure: exposure wanted.
    """

    id: int
    pair: str
    close_ns: int
    sent_ns: int
    action: int
    from_exposure: float
    to_exposure: float


Fate = Literal["waits", "filled", "expired"]


def fate(order: Order, open_time_ns: int, settings: FillSettings, unpriced: bool = False) -> Fate:
    """What becomes of a pending order at its pair's next bar, which opened at `open_time_ns`.

    It waits while `unpriced`: the quotes it would pay have not been heard of yet.
    """
    if open_time_ns > latest_open_ns(order.close_ns, settings):
        return "expired"
    in_time = open_time_ns >= earliest_open_ns(order.sent_ns, settings)
    return "filled" if in_time and not unpriced else "waits"


def earliest_open_ns(sent_ns: _Time, settings: FillSettings) -> _Time:
    """Open of the first bar that fills an order sent at `sent_ns`."""
    slack_ns = round(settings.open_tolerance_ms * MILLISECOND_NS)
    return sent_ns + round(settings.latency_ms * MILLISECOND_NS) - slack_ns


def latest_open_ns(close_ns: _Time, settings: FillSettings) -> _Time:
    """Open of the last bar that fills an order decided at `close_ns`; later it expires."""
    return close_ns + round(settings.valid_minutes * MINUTE_NS)


def fill_price(change: F64, open_price: F64, pip: F64 | float, settings: FillSettings) -> F64:
    """The open, worsened by the slippage, elementwise.

    Args:
        change: of the exposure; its sign says whether the order buys.
        open_price: of the bar that fills it.
        pip: price of one pip at that open.
        settings: say how much.
    """
    return open_price + np.sign(change) * settings.slippage_pips * pip
