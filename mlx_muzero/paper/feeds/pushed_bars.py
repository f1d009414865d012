"""What a venue pushes over one connection, passed on to the pair's `PairFeed`."""

from collections.abc import Sequence

from mlx_muzero.paper.feeds.final_candle import FinalCandles
from mlx_muzero.paper.feeds.pair import PairFeed
from mlx_muzero.venues.candle import Candle
from mlx_muzero.venues.venue_clock import VenueClock


class PushedBars:
    """Takes the messages of one connection.

    Args:
        feed: the pair's feed.
        venue: the venue's clock.
    """

    def __init__(self, feed: PairFeed, venue: VenueClock) -> None:
        self._feed, self._venue = feed, venue
        self._final = FinalCandles()

    def take(self, candles: Sequence[Candle]) -> None:
        """Pass on the bars that a message completes."""
        venue = self._venue
        if venue.in_doubt:
            return  # what is skipped here will be requested
        told = self._final.take(candles, venue.now_ns() + venue.uncertainty_ns)
        self._feed.take(told, venue.lower_bound_ns())
