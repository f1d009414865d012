"""The quoted spread of a pair's bars: ask less bid when a bar opens and when it closes.

Bars hold bids, and a store may know the asks beside them. A spread that is unknown, or negative
because bid and ask were not taken at the same instant, is taken to be the last known one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import Bars
from mlx_muzero.types import F64, Bool

QUOTE_COLUMNS = ("open_ask", "close_ask")
"""Columns of a store that tell the spread."""

OPEN_SPREAD = "open_spread"
"""A further column of bars that a feed delivered: the spread itself, since adding it to the open
and taking that away again would round."""

LEAST_QUOTED = 0.9
"""Share of a pair's bars that need a quote; with fewer, most costs would be invented."""


@dataclass(frozen=True, eq=False)
class Spreads:
    """The spreads of T bars, in price.

    Attributes:
        open: ``f64[T]`` ask less bid at each open, never negative.
        close: ``f64[T]`` ask less bid at each close.
        quoted: ``bool[T]`` whether both are the bar's own.
    """

    open: F64
    close: F64
    quoted: Bool

    @classmethod
    def of(cls, bars: Bars) -> "Spreads | None":
        """Those of `bars` loaded with `QUOTE_COLUMNS`; None if they have no quotes at all."""
        if not bars.extras.keys() >= set(QUOTE_COLUMNS):
            return None
        opens = bars.extras["open_ask"] - bars.open
        closes = bars.extras["close_ask"] - bars.close
        known = [spread >= 0.0 for spread in (opens, closes)]
        if not all(each.any() for each in known):
            return None
        return cls(_last_known(opens, known[0]), _last_known(closes, known[1]), known[0] & known[1])

    def slice(self, bars: slice) -> "Spreads":
        """Those of some of the bars, sharing memory."""
        return Spreads(self.open[bars], self.close[bars], self.quoted[bars])

    @classmethod
    def joined(cls, parts: "Sequence[Spreads | None]") -> "Spreads | None":
        """Those of several pairs' bars, one after another; None if any has none."""
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        return cls(
            *(
                np.concatenate([getattr(part, name) for part in known])
                for name in ("open", "close", "quoted")
            )
        )


def open_spread(bars: Bars) -> F64 | None:
    """``f64[T]`` ask less bid at each open as quoted; None if `bars` came without their quotes."""
    if OPEN_SPREAD in bars.extras:
        return bars.extras[OPEN_SPREAD]
    ask = bars.extras.get("open_ask")
    return None if ask is None else ask - bars.open


def require_quotes(bars: Bars, where: str, key: str = "trading.cost") -> None:
    """Require that enough of `bars` have quotes to charge fills by them.

    Args:
        bars: bars of one pair, loaded with `QUOTE_COLUMNS`.
        where: the store's path.
        key: the setting that asks for quotes.

    Raises:
        DataError: fewer than `LEAST_QUOTED` of them have.
    """
    spreads = Spreads.of(bars)
    quoted = 0.0 if spreads is None else float(spreads.quoted.mean())
    if quoted < LEAST_QUOTED:
        have = "none of its bars has" if not quoted else f"only {quoted:.1%} of its bars have"
        raise DataError(
            f'{where}: {bars.symbol} cannot be charged by {key} = "quotes": {have} bid and ask, '
            f"and {LEAST_QUOTED:.0%} need them. Import files with both sides, or the ask prices of "
            "the bid bars stored; choose a period whose bars have them; or set "
            f'{key} = "fixed"'
        )


def _last_known(spread: F64, known: Bool) -> F64:
    """`spread` ``f64[T]`` where `known`, else the last before that is, or the first of all."""
    at = np.where(known, np.arange(len(spread)), -1)
    last = np.maximum.accumulate(at)
    return np.asarray(spread[np.where(last < 0, known.argmax(), last)])
