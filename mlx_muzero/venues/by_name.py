"""The venues that bars are downloaded from, by name."""

from mlx_muzero.venues.source import HistorySource

OANDA = "oanda"


def venue_of(name: str) -> HistorySource:
    """The venue called `name`: ``oanda``, or ccxt's name of an exchange.

    Raises:
        FeedError: there is no such venue, or a package or token that it needs is missing.
    """
    if name == OANDA:
        from mlx_muzero.venues.oanda import OandaSource

        return OandaSource()
    from mlx_muzero.venues.ccxt_source import CcxtSource

    return CcxtSource(name)
