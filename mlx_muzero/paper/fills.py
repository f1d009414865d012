"""Decides when a simulated order is filled, and at what price (docs/paper.md gives the reasons).

A feed has only bars, so an order gets the open of the first bar it arrives in time for.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlx_muzero.paper.settings import FillSettings
from mlx_muzero.timeunits import MILLISECOND_NS, MINUTE_NS


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
    if open_time_ns > order.close_ns + round(settings.valid_minutes * MINUTE_NS):
        return "expired"
    there_ns = order.sent_ns + round(settings.latency_ms * MILLISECOND_NS)
    in_time = there_ns <= open_time_ns + round(settings.open_tolerance_ms * MILLISECOND_NS)
    return "filled" if in_time and not unpriced else "waits"


def fill_price(order: Order, open_price: float, pip: float, settings: FillSettings) -> float:
    """The open, worsened by the slippage; `pip` is the price of one pip."""
    side = float(np.sign(order.to_exposure - order.from_exposure))
    return open_price + side * settings.slippage_pips * pip
