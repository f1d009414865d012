"""Joins the bars that a session heard with those that its model was trained on.

The result is a bar store that ends at a minute, as if somebody had imported everything until then.
Where both have a bar, the session's counts: it is what was traded on. Nothing is made up: a minute
that neither has stays missing.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.series import MACRO, Series, SeriesByName
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.staging import EXTRA_COLUMNS
from mlx_muzero.paper.context import series_of
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS


def gather(
    heard: PaperStore,
    before: Path,
    market: MarketConfig,
    until_ns: int,
    target: Path,
    say: Callable[[str], None],
) -> None:
    """Write the bars of `market` that closed by `until_ns` to the new store `target`, or nothing.

    Args:
        heard: the session's store, as of `until_ns` or later.
        before: the store that the session's model was trained on.
        market: whose pairs and series are wanted.
        until_ns: end of the last bar.
        target: the store; it appears only once it is complete.
        say: receives how many bars came from where.

    Raises:
        DataError: a store cannot be read, or a heard bar is impossible.
        StorageError: the disk is full.
    """
    partial = target.with_name(f"{target.name}.partial")
    for left in target.parent.glob(f"{partial.name}*"):
        left.unlink()
    bars = _heard_bars(heard, until_ns)
    points = series_of([row for row in heard.table("points") if row["known_ns"] <= until_ns])
    with BarStore(before, read_only=True) as known, BarStore(partial) as joined:
        stored = {(series.symbol, series.name) for series in known.series()}
        for pair in market.pairs:
            own = next((name for name in bars if pair.is_meant_by(name)), None)
            heard_bars = None if own is None else bars[own]
            _join_bars(known, joined, pair, heard_bars, until_ns, say)
            _join_series(known, joined, pair, stored, points.get(own or "", {}), until_ns)
        _join_series(known, joined, MACRO, stored, points.get(MACRO, {}), until_ns)
    partial.rename(target)


def _join_bars(
    known: BarStore,
    joined: BarStore,
    pair: Symbol,
    heard: Bars | None,
    until_ns: int,
    say: Callable[[str], None],
) -> None:
    count = 0
    if (told := known.find_instrument(pair)) is not None:
        joined.set_instrument(told)
    if heard is not None:
        count = len(heard)
        joined.write(heard, heard.extras)
    older = known.load(pair, end_ns=until_ns - MINUTE_NS + 1, extras=EXTRA_COLUMNS)
    added = joined.write(older, older.extras).inserted
    say(f"{pair}: {count:,} bars heard by the session and {added:,} others from {known.path}")


def _join_series(
    known: BarStore,
    joined: BarStore,
    symbol: str,
    stored: set[tuple[str, str]],
    heard: SeriesByName,
    until_ns: int,
) -> None:
    """Write the series of `symbol`, as far as they were known by `until_ns`."""
    older = [known.load_series(symbol, name) for of, name in stored if _same(of, symbol)]
    with joined.transaction():
        for series in older:
            last = int(np.searchsorted(series.known_ns, until_ns, side="right"))
            joined.write_series(series.slice(0, last))
        for series in heard.values():
            own = (series.event_ns, series.known_ns, series.value)
            joined.write_series(Series(symbol, series.name, *own))


def _same(stored: str, symbol: str) -> bool:
    return stored == symbol if MACRO in (stored, symbol) else Symbol(stored) == symbol


def _heard_bars(heard: PaperStore, until_ns: int) -> dict[str, Bars]:
    """The session's bars by its own name of the pair, with their quotes where they had any."""
    quotes = {(row["pair"], row["open_time_ns"]): row for row in heard.table("quotes")}
    of_pair: dict[str, list[Row]] = {}
    for row in heard.table("bars"):
        if row["open_time_ns"] + MINUTE_NS <= until_ns:
            quote = quotes.get((row["pair"], row["open_time_ns"]), {})
            of_pair.setdefault(row["pair"], []).append(row | _asks(row, quote))
    return {pair: _as_bars(pair, rows) for pair, rows in of_pair.items()}


def _asks(row: Row, quote: Row) -> Row:
    """The ask at the open and at the close, None where no quote was known."""
    spread, close_spread = quote.get("spread"), quote.get("close_spread")
    return {
        "open_ask": None if spread is None else row["open"] + spread,
        "close_ask": None if close_spread is None else row["close"] + close_spread,
    }


def _as_bars(pair: str, rows: Sequence[Row]) -> Bars:
    def column(name: str) -> np.ndarray:
        return np.array([row[name] for row in rows], np.float64)  # None becomes NaN

    asks = {name: column(name) for name in ("open_ask", "close_ask")}
    return Bars(
        Symbol(pair),
        np.array([row["open_time_ns"] for row in rows], np.int64),
        *(column(name) for name in ("open", "high", "low", "close", "volume")),
        extras={name: values for name, values in asks.items() if np.isfinite(values).any()},
    )
