"""Notices when the newest value of a series is too old to be used, and when there is one again."""

from mlx_muzero.market.series import max_age_ns
from mlx_muzero.paper.feeds.events import SeriesBack, SeriesStale
from mlx_muzero.paper.feeds.subscription import Subscription


class SeriesAge:
    """Age of the newest value of one series; reports to the subscription.

    Args:
        pair: the venue's name, or `market.series.MACRO`.
        name: name of the series.
        shared: shared parts of the subscription.
    """

    def __init__(self, pair: str, name: str, shared: Subscription) -> None:
        self._pair, self._name = pair, name
        self._venue, self._outbox = shared.venue, shared.outbox
        self._event_ns: int | None = None
        self._known_ns = 0
        self._stale = False

    def saw(self, event_ns: int, known_ns: int) -> None:
        """Take note of the newest value: the time it is about, and from when it is known."""
        self._event_ns, self._known_ns = event_ns, known_ns

    def look(self) -> None:
        """Report a change: each lapse once, and once when it is over."""
        old = self._venue.now_ns() - self._known_ns > max_age_ns(self._name)
        stale, was_stale = self._event_ns is None or old, self._stale
        self._stale = stale
        if stale and not was_stale:
            self._outbox.put([SeriesStale(self._pair, self._name, self._event_ns)])
        elif was_stale and not stale:
            self._outbox.put([SeriesBack(self._pair, self._name)])
