"""Bars and quotes of a session's store, by pair."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.market.bars import BAR_COLUMNS, Bars
from mlx_muzero.market.quotes import OPEN_SPREAD
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64

Columns = dict[str, npt.NDArray[Any]]

_QUOTES = ("spread", "close_spread")


@dataclass(frozen=True, eq=False)
class RecordedBars:
    """Bars of one pair, as a session's store has them.

    Attributes:
        market: without spreads at the closes.
        close_spread: ``f64[T]`` ask less bid at each close; NaN where unknown.
    """

    market: Bars
    close_spread: F64

    @property
    def close_time_ns(self) -> I64:
        """``i64[T]`` when each minute ended."""
        return self.market.open_time_ns + MINUTE_NS

    @property
    def spread(self) -> F64:
        """``f64[T]`` ask less bid at each open; NaN where unknown."""
        return self.market.extras[OPEN_SPREAD]

    def slice(self, begin: int, end: int) -> "RecordedBars":
        """Bars [`begin`, `end`)."""
        return RecordedBars(self.market.slice(begin, end), self.close_spread[begin:end])


def recorded_bars(store: PaperStore, pairs: tuple[str, ...]) -> dict[str, RecordedBars]:
    """The bars of each of `pairs` that has any, with the quotes that came with them."""
    bars = _by_pair(store.columns("bars", "pair", "open_time_ns", *BAR_COLUMNS), pairs)
    quotes = _by_pair(store.columns("quotes", "pair", "open_time_ns", *_QUOTES), pairs)
    found = {}
    for symbol in pairs:
        own, quoted = bars.pop(symbol), quotes.pop(symbol)
        opens = own["open_time_ns"]
        if not len(opens):
            continue
        row = np.searchsorted(opens, quoted["open_time_ns"])
        known = opens[np.minimum(row, len(opens) - 1)] == quoted["open_time_ns"]
        spreads = {name: np.full(len(opens), np.nan) for name in _QUOTES}
        for name, spread in spreads.items():
            spread[row[known]] = quoted[name][known]
        market = Bars(
            symbol,
            opens,
            *(own[name] for name in BAR_COLUMNS),
            extras={OPEN_SPREAD: spreads["spread"]},
        )
        found[symbol] = RecordedBars(market, spreads["close_spread"])
    return found


def _by_pair(columns: Columns, pairs: tuple[str, ...]) -> dict[str, Columns]:
    """`columns` but for ``pair``, of each of `pairs`; takes them apart, so that none is held twice.

    KeyError for a row of another pair.
    """
    places = {pair: place for place, pair in enumerate(pairs)}
    names = columns.pop("pair")
    place = np.fromiter((places[name] for name in names), np.int64, len(names))
    rows = {pair: np.flatnonzero(place == number) for pair, number in places.items()}
    found: dict[str, Columns] = {pair: {} for pair in pairs}
    for name in [*columns]:
        column = columns.pop(name)
        for pair, own in rows.items():
            found[pair][name] = column[own]
    return found
