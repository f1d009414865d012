"""When a pair's market is open: the FX week, or always."""

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

import numpy as np

from mlx_muzero.market.calendar import Closures, fx_holidays, fx_weekends
from mlx_muzero.market.instrument import Market, keeps_fx_week, known_instrument
from mlx_muzero.timeunits import DAY_NS


class Hours(Protocol):
    """The hours in which bars are expected."""

    def open_ns(self, start_ns: int, end_ns: int) -> int:
        """Open market time within [start_ns, end_ns); 0 if the two are reversed."""

    def next_open_ns(self, time_ns: int) -> int:
        """`time_ns` if the market is open then, otherwise the next opening."""


class AroundTheClock:
    """A market that never closes."""

    def open_ns(self, start_ns: int, end_ns: int) -> int:
        """See `Hours.open_ns`."""
        return max(end_ns - start_ns, 0)

    def next_open_ns(self, time_ns: int) -> int:
        """See `Hours.next_open_ns`."""
        return time_ns


class FxWeek:
    """Sunday to Friday 17:00 New York, except Christmas and New Year (`market.calendar`)."""

    def open_ns(self, start_ns: int, end_ns: int) -> int:
        """See `Hours.open_ns`."""
        if end_ns <= start_ns:
            return 0
        closed = _closures(start_ns, end_ns).closed_ns(np.array([start_ns]), np.array([end_ns]))
        return end_ns - start_ns - int(closed[0])

    def next_open_ns(self, time_ns: int) -> int:
        """See `Hours.next_open_ns`."""
        closures = _closures(time_ns, time_ns)
        shut = (closures.start_ns <= time_ns) & (time_ns < closures.end_ns)
        return int(closures.end_ns[shut][0]) if shut.any() else time_ns


HoursOf = Callable[[str], Hours]


def market_of(pair: str) -> Market:
    """The market of a pair, judged by its name."""
    return "fx" if keeps_fx_week(pair) else "crypto"


def hours_of(pair: str) -> Hours:
    """The hours of a pair's market, judged by its name."""
    return hours_in(market_of(pair))


def dealer_market(pair: str) -> Market:
    """The market a pair follows at an FX dealer: the FX week, except for coins."""
    known = known_instrument(pair)
    return "crypto" if known is not None and known.market == "crypto" else "fx"


def dealer_hours(pair: str) -> Hours:
    """The hours of a pair at an FX dealer."""
    return hours_in(dealer_market(pair))


def exchange_hours(pair: str) -> Hours:
    """The hours at a crypto exchange, where even currency pairs trade at weekends."""
    return AroundTheClock()


def hours_in(market: Market) -> Hours:
    """The hours of `market`."""
    return FxWeek() if market == "fx" else AroundTheClock()


def _closures(start_ns: int, end_ns: int) -> Closures:
    """Closures touching the days from `start_ns` to `end_ns`; cached, as used every second."""
    return _closures_of_days(start_ns // DAY_NS, end_ns // DAY_NS)


@lru_cache(maxsize=64)
def _closures_of_days(first: int, last: int) -> Closures:
    start_ns, end_ns = first * DAY_NS, (last + 1) * DAY_NS
    return Closures.union(fx_weekends(start_ns, end_ns), fx_holidays(start_ns, end_ns))
