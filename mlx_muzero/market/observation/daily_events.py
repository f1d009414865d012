"""Times of events that happen daily at a local time, and how near a bar is to them."""

import numpy as np

from mlx_muzero.config.local_times import DailyEvent
from mlx_muzero.market.clocks import ZoneClock
from mlx_muzero.market.japanese_calendar import business_days
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.types import F64, I64

NEAR_MINUTES = 30.0
"""Minutes in which the nearness of an event falls to 37 %."""

_JAPAN = "Asia/Tokyo"
_AROUND_DAYS = 14
"""Longest time without an event: Japan's banks closed for eleven days in spring 2019."""


def event_times(event: DailyEvent, first_ns: int, last_ns: int) -> I64:
    """``i64[n]`` UTC times of `event` from two weeks before `first_ns` to two after `last_ns`.

    It happens from Monday to Friday; in Tokyo, not on days on which Japan's banks are closed.

    Raises:
        DataError: Japan's holidays are not known then.
    """
    days = np.arange(
        first_ns // DAY_NS - _AROUND_DAYS, last_ns // DAY_NS + _AROUND_DAYS + 1, dtype=np.int64
    )
    if event.time.zone == _JAPAN:
        days = days[business_days(days)]
    else:
        days = days[np.is_busday(days.astype("M8[D]"))]
    return ZoneClock(event.time.zone).to_utc(days * DAY_NS + event.time.ns)


def nearness(event: DailyEvent, time_ns: I64) -> tuple[F64, F64]:
    """How near the next and the last `event` are at each time ``i64[T]``, both ``f64[T]``.

    1 at the event, falling as exp(-minutes / `NEAR_MINUTES`). At the very time of an event, it is
    the last one.
    """
    if not len(time_ns):
        return np.zeros(0), np.zeros(0)
    times = event_times(event, int(time_ns.min()), int(time_ns.max()))
    following = np.searchsorted(times, time_ns, side="right")
    ahead, since = times[following] - time_ns, time_ns - times[following - 1]
    return _near(ahead), _near(since)


def _near(away_ns: I64) -> F64:
    return np.asarray(np.exp(-(away_ns / MINUTE_NS) / NEAR_MINUTES))
