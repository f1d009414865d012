"""Bars of a pair, as a session's minutes tell them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlx_muzero.timeunits import MINUTE_NS


class PriceBar(NamedTuple):
    """One bar.

    Attributes:
        close_ns: UTC end.
        open: first price.
        high: highest price.
        low: lowest price.
        close: last price.
        whole: whether the journal tells all four; else they are made of closes.
        traded: whether the session might enter positions.
    """

    close_ns: int
    open: float
    high: float
    low: float
    close: float
    whole: bool
    traded: bool


def bar_of(row: Mapping[str, Any], before: PriceBar | None, *, traded: bool) -> PriceBar | None:
    """The last bar of a pair's row in a minute; None if it has none.

    Args:
        row: of the pair.
        before: the bar before it, from whose close it begins where the row tells no open.
        traded: whether the session might enter positions.
    """
    close_ns, close = row.get("bar_close_ns"), row.get("close")
    if close_ns is None or close is None:
        return None
    told = [price for name in ("open", "high", "low") if (price := row.get(name)) is not None]
    whole = len(told) == 3
    follows = before is not None and close_ns - before.close_ns == MINUTE_NS
    opened = told[0] if whole else before.close if before is not None and follows else close
    prices = [opened, close, *(told if whole else ())]
    return PriceBar(close_ns, opened, max(prices), min(prices), close, whole, traded)


def joined(bars: Sequence[PriceBar], minutes: int) -> list[PriceBar]:
    """Bars of `minutes`, of bars of one; each ends at a multiple of its length (UTC)."""
    length = minutes * MINUTE_NS
    found: list[PriceBar] = []
    for bar in bars:
        end = -(-bar.close_ns // length) * length
        if found and found[-1].close_ns == end:
            last = found[-1]
            found[-1] = PriceBar(
                end,
                last.open,
                max(last.high, bar.high),
                min(last.low, bar.low),
                bar.close,
                last.whole and bar.whole,
                last.traded and bar.traded,
            )
        else:
            found.append(bar._replace(close_ns=end))
    return found
