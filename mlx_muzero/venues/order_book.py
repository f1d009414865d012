"""The best levels of an order book, as a venue shows them."""

from dataclasses import dataclass

from mlx_muzero.market.book_imbalance import imbalance


@dataclass(frozen=True)
class BookTop:
    """The best levels of both sides.

    Attributes:
        time_ns: the venue's time of the book; None if it does not say.
        bids: quantities of up to `book_imbalance.LEVELS` levels, that of the highest price first.
        asks: the same of the other side, that of the lowest price first.
    """

    time_ns: int | None
    bids: tuple[float, ...]
    asks: tuple[float, ...]

    @property
    def imbalance(self) -> float | None:
        """See `book_imbalance.imbalance`."""
        return imbalance(self.bids, self.asks)
