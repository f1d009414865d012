"""Joins the bars that a session heard with those that its model was trained on.

The result is a bar store that ends at a minute, as if somebody had imported everything until then.
Where both have a bar, the session's counts: it is what was traded on. Nothing is made up: a minute
that neither has stays missing.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.files.regular import partial_of
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.series import MACRO, Series, SeriesByName
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.staging import EXTRA_COLUMNS
from mlx_muzero.paper.context import series_of
from mlx_muzero.paper.records.recorded_bars import RecordedBars, recorded_bars
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.tables import TABLES
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
    partial = partial_of(target)
    for left in target.parent.glob(f"{partial.name}*"):
        left.unlink()
    bars = _heard_bars(heard, until_ns)
    heard_points = heard.columns("points", *TABLES["points"])
    known_by = heard_points["known_ns"] <= until_ns
    points = series_of({name: column[known_by] for name, column in heard_points.items()})
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
    saved = heard.state()
    with heard.checking_contents():
        pairs = () if saved is None else tuple(saved[1]["session"]["accounts"])
        found = recorded_bars(heard, pairs)
    return {pair: _until(until_ns, bars) for pair, bars in found.items()}


def _until(until_ns: int, bars: RecordedBars) -> Bars:
    """The bars that closed by then, with the asks at opens and closes where any are known."""
    end = int(np.searchsorted(bars.close_time_ns, until_ns, side="right"))
    market = bars.market
    asks = {
        "open_ask": (market.open + bars.spread)[:end],
        "close_ask": (market.close + bars.close_spread)[:end],
    }
    known = {name: ask for name, ask in asks.items() if np.isfinite(ask).any()}
    return replace(market.slice(0, end), symbol=Symbol(market.symbol), extras=known)
