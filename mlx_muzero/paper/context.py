"""What a session learns besides bars: points of series, recorded with the time they count from.

A point counts from when it is known by the rule of training, but never at a decision that was made
before it came, and not at all if it comes when it is too old already. So the recorded points, read
by the rule of training, repeat every observation and every funding payment.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.market.observation.context import MACRO_RELEASES, points_before, reach_ns
from mlx_muzero.market.series import FUNDING_RATE, MACRO, Series, max_age_ns
from mlx_muzero.paper.batched_search import Trader
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.records.transaction import Row, Transaction
from mlx_muzero.timeunits import MINUTE_NS


class SessionContext:
    """The series points of a session.

    Args:
        traders: by symbol; their observers receive the points.
    """

    def __init__(self, traders: Mapping[str, Trader]) -> None:
        self._traders = traders
        self._recent: dict[tuple[str, str], Series] = {}  # by symbol and series
        self._newest_ns: dict[tuple[str, str], int] = {}  # known by the rule

    def take(self, symbol: str, points: Series, decided_ns: int, transaction: Transaction) -> None:
        """Take the points that are new.

        Args:
            symbol: the pair, or `MACRO`.
            points: known by the rule of training.
            decided_ns: end of the last minute that was decided on.
            transaction: records the new points.
        """
        key = symbol, points.name
        newest_ns = self._newest_ns.get(key, -MINUTE_NS)
        # Sources stamp one point some milliseconds apart, but never two within a minute.
        new = int(np.searchsorted(points.known_ns, newest_ns + MINUTE_NS // 2, side="right"))
        points = points.slice(max(new, _first_in_time(points, decided_ns)), len(points))
        if not len(points):
            return
        self._newest_ns[key] = int(points.known_ns[-1])
        known_ns = np.maximum(points.known_ns, decided_ns + 1)
        taken = Series(symbol, points.name, points.event_ns, known_ns, points.value)
        held = self._recent.get(key)
        self._recent[key] = taken if held is None else held.with_later(taken)
        self._show(taken)
        for event, known, value in _rows(taken):
            row = {"event_ns": event, "known_ns": known, "value": value}
            transaction.add("points", {"pair": symbol, "series": points.name} | row)

    def take_bar(
        self, symbol: str, bar: LiveBar, decided_ns: int, transaction: Transaction
    ) -> None:
        """Take what a bar carries besides prices and volume; arguments are as for `take`."""
        times = np.array([bar.open_time_ns]), np.array([bar.close_time_ns])
        for name, value in bar.carried.items():
            if self._traders[symbol].observer.sees(name):
                points = Series(symbol, name, *times, np.array([value]))
                self.take(symbol, points, decided_ns, transaction)

    def state(self) -> list[Row]:
        """The points on which later observations and payments depend, as JSON values."""
        for key, series in self._recent.items():
            self._recent[key] = series.slice(self._first_needed(series), len(series))
        return [
            {
                "pair": series.symbol,
                "series": series.name,
                "points": _rows(series),
                "newest_ns": self._newest_ns[key],
            }
            for key, series in self._recent.items()
        ]

    def restore(self, state: list[Mapping[str, Any]]) -> None:
        """Restore the context that produced `state`; new observers receive its points."""
        fresh = not self._recent
        self._recent, self._newest_ns = {}, {}
        for held in state:
            event, known, value = zip(*held["points"], strict=True)
            times = np.array(event, np.int64), np.array(known, np.int64)
            series = Series(held["pair"], held["series"], *times, np.array(value, np.float64))
            key = series.symbol, series.name
            self._recent[key], self._newest_ns[key] = series, int(held["newest_ns"])
            if fresh:
                self._show(series)

    def _show(self, points: Series) -> None:
        """Pass points to the observers they concern."""
        for symbol, trader in self._traders.items():
            if points.symbol in (symbol, MACRO):
                trader.observer.add(points)

    def _first_needed(self, series: Series) -> int:
        """Index of the oldest point that still counts; the newest one is always kept."""
        last = len(series) - 1
        if series.symbol == MACRO:
            # The position of a release depends on those before it, and a lapse on the last one.
            return max(last - 2 * MACRO_RELEASES, 0)
        read_ns = int(series.known_ns[-1])
        bar_ns = self._traders[series.symbol].observer.last_open_ns
        if bar_ns is not None:
            # The next bars may be older than it; later settlements are not paid yet.
            read_ns = min(read_ns, bar_ns + MINUTE_NS)
        from_ns = read_ns - reach_ns(series.name)
        first = min(int(np.searchsorted(series.known_ns, from_ns)), last)
        return max(first - points_before(series.name), 0)


def _first_in_time(points: Series, decided_ns: int) -> int:
    """Index of the first point that is not too old, by the rule of training, for a next decision.

    It would count as new from then on. Settlements are paid however late, figures have releases
    before them, and counts a usual number.
    """
    if points.symbol == MACRO or points.name == FUNDING_RATE or points_before(points.name):
        return 0
    oldest_ns = decided_ns + MINUTE_NS - max_age_ns(points.name)
    return int(np.searchsorted(points.known_ns, oldest_ns))


def series_of(points: Mapping[str, npt.NDArray[Any]]) -> dict[str, dict[str, Series]]:
    """Recorded points as series, by symbol and name.

    Args:
        points: columns of the store's table ``points``, in order.
    """
    number: dict[tuple[str, str], int] = {}
    keys = zip(points["pair"], points["series"], strict=True)
    of_series = np.array([number.setdefault(key, len(number)) for key in keys], np.int64)
    found: dict[str, dict[str, Series]] = {}
    for (symbol, name), place in number.items():
        own = of_series == place
        columns = (points[column][own] for column in ("event_ns", "known_ns", "value"))
        found.setdefault(symbol, {})[name] = Series(symbol, name, *columns)
    return found


def _rows(series: Series) -> list[tuple[int, int, float]]:
    columns = (series.event_ns.tolist(), series.known_ns.tolist(), series.value.tolist())
    return list(zip(*columns, strict=True))
