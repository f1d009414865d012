"""Series stored along with the bars: their names, values and how long a value stays valid.

A point has two times: the time it is about (`event_ns`) and the time from which it is known
(`known_ns`). Only the latter decides who may read it.

Two sources stamp one settlement 8:00:00 and 8:00:00.003. Points about the same minute, to the
nearest, are one point of a series, and the one known first stands. A macro figure gets revised and
an announcement changed, so for them the minute in which they became known has to match too
(`same_point`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS
from mlx_muzero.types import F64, I64

MACRO = "MACRO"
"""The symbol of series that concern every pair."""

FUNDING_RATE = "funding_rate"
"""Share of a position's value that longs pay to shorts at a settlement, negative if received."""
FUNDING_ANNOUNCED = "funding_announced"
"""The same of a settlement to come, as its venue announced it: about that settlement, and known
from when it was heard. One settlement has as many points as were heard of it."""
OPEN_INTEREST = "open_interest"
"""Open contracts, in units of the base currency."""
TAKER_BUY_SHARE = "taker_buy_share"
"""Share of a minute's traded volume bought by takers, in [0, 1]."""
TRADE_COUNT = "trade_count"
"""Number of trades in a minute."""
BOOK_IMBALANCE = "book_imbalance"
"""(bid - ask) / (bid + ask) quantity at the best levels, mean over a minute, in [-1, 1]."""

OF_BARS = {TAKER_BUY_SHARE: "taker_buy_volume", TRADE_COUNT: "trades"}
"""Series that bars carry too, where their source has that column."""

MAX_AGE_NS = {
    FUNDING_RATE: 9 * HOUR_NS,
    FUNDING_ANNOUNCED: 2 * HOUR_NS,
    OPEN_INTEREST: 15 * MINUTE_NS,
    TAKER_BUY_SHARE: 2 * MINUTE_NS,
    TRADE_COUNT: 2 * MINUTE_NS,
    BOOK_IMBALANCE: 2 * MINUTE_NS,
}
"""How long a value stays valid after it becomes known: the usual interval plus some slack."""

HEARD_OFTEN = frozenset({FUNDING_ANNOUNCED})
"""Series with more than one point about the same minute."""

MACRO_MAX_AGE_NS = 100 * DAY_NS
"""Validity of a macro figure: covers a quarterly figure that is published late."""


@dataclass(frozen=True, eq=False)
class Series:
    """Points of one series of one symbol, ordered by the time they became known.

    Attributes:
        symbol: the symbol it belongs to, or `MACRO`.
        name: a key of `MAX_AGE_NS`, or the name of a macro series.
        event_ns: ``i64[n]`` UTC times the values are about.
        known_ns: ``i64[n]`` UTC times from which they are known, ascending.
        value: ``f64[n]`` finite values.

    Raises:
        ValueError: the arrays differ in length, are out of order, or a value is not finite.
    """

    symbol: str
    name: str
    event_ns: I64
    known_ns: I64
    value: F64

    def __post_init__(self) -> None:
        """Check the invariants that users of a series rely on."""
        if not self.event_ns.shape == self.known_ns.shape == self.value.shape:
            raise ValueError(f"{self.name}: times and values differ in number")
        if (np.diff(self.known_ns) < 0).any():
            raise ValueError(f"{self.name}: points are not in the order they became known")
        if not np.isfinite(self.value).all():
            raise ValueError(f"{self.name}: a value is not finite")

    @classmethod
    def of(cls, symbol: str, name: str, event_ns: I64, known_ns: I64, value: F64) -> Self:
        """A series from points in any order; of duplicates, the one known first is kept."""
        order = np.lexsort((event_ns, known_ns))
        _, first = np.unique(same_point(name, event_ns[order], known_ns[order]), return_index=True)
        order = order[np.sort(first)]
        return cls(symbol, name, event_ns[order], known_ns[order], value[order])

    @classmethod
    def empty(cls, symbol: str, name: str) -> Self:
        """A series without points."""
        none = np.empty(0, np.int64)
        return cls(symbol, name, none, none, np.empty(0))

    def __len__(self) -> int:
        """Number of points (n)."""
        return len(self.value)

    def slice(self, start: int, stop: int) -> "Series":
        """Points with indices `start` to `stop` (exclusive), sharing memory."""
        part = slice(start, stop)
        columns = (self.event_ns[part], self.known_ns[part])
        return Series(self.symbol, self.name, *columns, self.value[part])

    def with_later(self, points: "Series") -> "Series":
        """This series and `points` of the same one, which became known no earlier.

        Raises:
            ValueError: they became known earlier.
        """
        return Series(
            self.symbol,
            self.name,
            np.concatenate([self.event_ns, points.event_ns]),
            np.concatenate([self.known_ns, points.known_ns]),
            np.concatenate([self.value, points.value]),
        )

    def as_of(self, time_ns: I64, max_age_ns: int) -> F64:
        """``f64[T]`` newest value known at each time; NaN if none is at most `max_age_ns` old."""
        if not len(self):
            return np.full(len(time_ns), np.nan)
        newest = self.newest(time_ns, max_age_ns)
        return np.where(newest >= 0, self.value[newest], np.nan)

    def newest(self, time_ns: I64, max_age_ns: int) -> I64:
        """``i64[T]`` index of the newest point known at each time; -1 if none is fresh enough."""
        if not len(self):
            return np.full(len(time_ns), -1)
        newest = np.searchsorted(self.known_ns, time_ns, side="right") - 1
        fresh = (newest >= 0) & (time_ns - self.known_ns[newest] <= max_age_ns)
        return np.where(fresh, newest, -1)


def same_point(name: str, event_ns: I64, known_ns: I64) -> I64:
    """Keys that are equal for duplicates of one point of the series `name`: ``i64[n]``.

    Args:
        name: name of the series.
        event_ns: ``i64[n]`` times the points are about.
        known_ns: ``i64[n]`` times from which they are known.
    """
    event = nearest_minute(event_ns)
    if name in MAX_AGE_NS.keys() - HEARD_OFTEN:
        return event
    both = np.stack([event, nearest_minute(known_ns)])
    return np.unique(both, axis=1, return_inverse=True)[1].reshape(-1)


def nearest_minute(time_ns: I64) -> I64:
    """``i64[n]`` the whole minute nearest to each time, in minutes since 1970."""
    return (time_ns + MINUTE_NS // 2) // MINUTE_NS


def while_unknown(name: str) -> str:
    """What a session does while the newest value of the series `name` is too old, in words."""
    if name == FUNDING_ANNOUNCED:
        return "plans expect the rate that was paid last"
    return "the model sees it marked unknown"


def max_age_ns(name: str) -> int:
    """How long a value of the series `name` stays valid; unlisted names are macro series."""
    return MAX_AGE_NS.get(name, MACRO_MAX_AGE_NS)


@dataclass(frozen=True)
class SeriesSummary:
    """Summary of one stored series; times are when values became known."""

    symbol: str
    name: str
    points: int
    first_ns: int
    last_ns: int


@dataclass(frozen=True)
class SeriesMerge:
    """The result of writing points to the store.

    Attributes:
        inserted: number of new points.
        duplicates: points already stored with the same value.
        conflicts: points stored with another value, which is kept.
        replaced: stored points whose value was replaced.
    """

    inserted: int
    duplicates: int
    conflicts: int
    replaced: int


SeriesByName = Mapping[str, Series]
"""Series of one symbol, and macro series, by name."""
