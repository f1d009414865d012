"""The venues that bars come from, by name: the one place that makes them.

A client library is imported only for a venue that needs it.
"""

from typing import TYPE_CHECKING

from mlx_muzero.venues.source import HistorySource

if TYPE_CHECKING:
    from mlx_muzero.venues.ccxt_source import CcxtSource
    from mlx_muzero.venues.oanda import OandaSource

OANDA = "oanda"


def venue_of(name: str) -> HistorySource:
    """The venue called `name`: ``oanda``, or ccxt's name of an exchange.

    Raises:
        FeedError: there is no such venue, or a package or token that it needs is missing.
    """
    return oanda() if name == OANDA else exchange(name)


def oanda(*, quoted: bool = False) -> "OandaSource":
    """OANDA, whose live bars come with their ask if `quoted`; errors as those of `venue_of`."""
    from mlx_muzero.venues.oanda import OandaSource

    return OandaSource(quoted=quoted)


def exchange(name: str) -> "CcxtSource":
    """The exchange that ccxt calls `name`; errors as those of `venue_of`."""
    from mlx_muzero.venues.ccxt_source import CcxtSource

    return CcxtSource(name)
