"""Bars and quotes of a session's store, by pair."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.market.bars import BAR_COLUMNS, Bars
from mlx_muzero.market.quotes import OPEN_SPREAD
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64

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


def recorded_bars(store: PaperStore, pairs: tuple[str, ...]) -> dict[str, RecordedBars]:
    """The bars of each of `pairs` that has any, with the quotes that came with them."""
    bars = store.columns("bars", "pair", "open_time_ns", *BAR_COLUMNS)
    quotes = store.columns("quotes", "pair", "open_time_ns", *_QUOTES)
    of_bars, of_quotes = _places(bars["pair"], pairs), _places(quotes["pair"], pairs)
    found = {}
    for place, symbol in enumerate(pairs):
        own = np.flatnonzero(of_bars == place)
        if not len(own):
            continue
        opens = bars["open_time_ns"][own]
        quoted = np.flatnonzero(of_quotes == place)
        row = np.searchsorted(opens, quotes["open_time_ns"][quoted])
        known = opens[np.minimum(row, len(opens) - 1)] == quotes["open_time_ns"][quoted]
        spreads = {name: np.full(len(own), np.nan) for name in _QUOTES}
        for name, spread in spreads.items():
            spread[row[known]] = quotes[name][quoted[known]]
        market = Bars(
            symbol,
            opens,
            *(bars[name][own] for name in BAR_COLUMNS),
            extras={OPEN_SPREAD: spreads["spread"]},
        )
        found[symbol] = RecordedBars(market, spreads["close_spread"])
    return found


def _places(names: np.ndarray, pairs: tuple[str, ...]) -> I64:
    """``i64[N]`` place in `pairs` of each name; KeyError for another."""
    places = {pair: place for place, pair in enumerate(pairs)}
    return np.fromiter((places[name] for name in names), np.int64, len(names))
