"""An order book maintained from Binance's messages, and its imbalance.

Binance USD-M "How to manage a local order book correctly": differences are applied to a snapshot;
each names its predecessor, so a lost one shows, and the book is then unknown until the next
snapshot. Spot differences name the first of their updates instead.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest, nsmallest
from math import inf
from typing import Any

from mlx_muzero.market.book_imbalance import LEVELS, imbalance

# Differences buffered until a snapshot arrives: more than a minute of the busiest stream.
_WAITING = 10_000


class OrderBook:
    """Levels of both sides, as long as the sequence of messages is unbroken.

    Attributes:
        breaks: number of times a difference did not follow its predecessor.
    """

    def __init__(self) -> None:
        self.breaks = 0
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._last_id: int | None = None
        self._snapshot_id: int | None = None
        self._waiting: deque[Mapping[str, Any]] = deque(maxlen=_WAITING)

    @property
    def known(self) -> bool:
        """Whether the book currently matches the exchange's."""
        return self._last_id is not None

    def snapshot(self, message: Mapping[str, Any]) -> None:
        """Start from a snapshot, and apply buffered differences that are newer."""
        waiting = list(self._waiting)
        self._waiting.clear()
        self._bids, self._asks = {}, {}
        _apply(self._bids, message["bids"])
        _apply(self._asks, message["asks"])
        self._snapshot_id = self._last_id = int(message["lastUpdateId"])
        for difference in waiting:
            self.update(difference)

    def update(self, message: Mapping[str, Any]) -> None:
        """Apply a difference; one already included in the snapshot changes nothing."""
        first, last = int(message["U"]), int(message["u"])
        if self._last_id is None:
            self._waiting.append(message)
            return
        if self._snapshot_id is not None:
            if last < self._snapshot_id:
                return
            follows = first <= self._snapshot_id + 1
        else:
            follows = int(message.get("pu", first - 1)) == self._last_id
        if not follows:
            self.breaks += 1
            self._last_id = self._snapshot_id = None
            self._waiting.append(message)
            return
        self._snapshot_id = None
        self._last_id = last
        _apply(self._bids, message["b"])
        _apply(self._asks, message["a"])

    def best(self) -> tuple[float, float]:
        """The highest bid and the lowest ask."""
        return max(self._bids), min(self._asks)

    def imbalance(self) -> float | None:
        """See `book_imbalance.imbalance`; None if the book is unknown."""
        if not self.known:
            return None
        bids = [self._bids[price] for price in nlargest(LEVELS, self._bids)]
        asks = [self._asks[price] for price in nsmallest(LEVELS, self._asks)]
        return imbalance(bids, asks)


def _apply(side: dict[float, float], levels: Iterable[Sequence[str]]) -> None:
    for level in levels:
        price, quantity = map(float, level)
        if not (0.0 < price < inf and 0.0 <= quantity < inf):
            raise ValueError(f"invalid level of a book: {price:g}, {quantity:g}")
        if quantity == 0.0:
            side.pop(price, None)
        else:
            side[price] = quantity
