"""What a venue announces of a pair's next funding settlement: asks for it every minute.

Nobody has the past of it: a session knows what it heard. A rate is told again only when it has
changed, or has stood for an hour, which shows that it is still heard.
"""

import asyncio
from collections.abc import Sequence

import numpy as np

from mlx_muzero.errors import FeedError
from mlx_muzero.market.series import FUNDING_ANNOUNCED, Series, nearest_minute
from mlx_muzero.paper.feeds.events import SeriesPoints
from mlx_muzero.paper.feeds.series_age import SeriesAge
from mlx_muzero.paper.feeds.subscription import Subscription
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS
from mlx_muzero.types import I64
from mlx_muzero.venues.announced_rate import AnnouncedRate
from mlx_muzero.venues.source import AnnouncingSource, Unavailable

_AHEAD_NS = DAY_NS
"""How far ahead a next settlement may lie: no venue settles less often than once a day."""
_TOLD_AGAIN_NS = HOUR_NS


class AnnouncedFundingFeed:
    """The rate announced of one pair's next settlement.

    Args:
        pair: the venue's name.
        source: the venue.
        shared: shared parts of the subscription.

    Attributes:
        began: set once the venue has been asked, successfully or not.
    """

    name = FUNDING_ANNOUNCED

    def __init__(self, pair: str, source: AnnouncingSource, shared: Subscription) -> None:
        self._pair, self._source, self._shared = pair, source, shared
        self._connection = shared.connection(pair, "context")
        self._age = SeriesAge(pair, FUNDING_ANNOUNCED, shared)
        self._told: Series | None = None  # the last point
        self.began = asyncio.Event()

    async def run(self) -> None:
        """Emit points forever."""
        await self._shared.poll_series(self._ask, self.began)

    def look(self) -> None:
        """Report that nothing was heard for too long, or that there is a rate again."""
        if self.began.is_set():
            self._age.look()

    async def _ask(self) -> None:
        await self._shared.venue.wait_until_certain()
        self._hear(await self._connection.attempt(self._announced))

    async def _announced(self) -> Sequence[AnnouncedRate]:
        try:
            return await self._source.announced(self._pair)
        except FeedError as error:  # the pair's bars come nevertheless
            raise Unavailable(str(error)) from error

    def _hear(self, announced: Sequence[AnnouncedRate]) -> None:
        """Emit what is new of the next settlement; one that is over already is not announced."""
        now_ns = self._shared.venue.now_ns()
        coming = [one for one in announced if now_ns < one.due_ns <= now_ns + _AHEAD_NS]
        if not coming:
            return
        following = min(coming, key=lambda one: one.due_ns)
        times = np.array([following.due_ns]), np.array([now_ns])
        point = Series(self._pair, FUNDING_ANNOUNCED, *times, np.array([following.rate]))
        if self._told is not None and not _is_news(point, self._told):
            return
        self._told = point
        self._age.saw(following.due_ns, now_ns)
        self._shared.outbox.put([SeriesPoints(self._pair, point)])


def _is_news(point: Series, told: Series) -> bool:
    """Whether a point says what the last one that was told did not, or says it again in time.

    Of points that became known within a minute only one counts (`series.same_point`).
    """
    passed_ns = int(point.known_ns[0] - told.known_ns[0])
    if passed_ns <= MINUTE_NS // 2 or _minute(point.known_ns) == _minute(told.known_ns):
        return False
    same = _minute(point.event_ns) == _minute(told.event_ns)
    return not (same and point.value[0] == told.value[0]) or passed_ns >= _TOLD_AGAIN_NS


def _minute(time_ns: I64) -> int:
    return int(nearest_minute(time_ns)[0])
