"""Stores a synthetic market, with what a line earns on it."""

from functools import partial
from pathlib import Path

from mlx_muzero.errors import DataError
from mlx_muzero.evaluation.rivals.line_reach import line_reach
from mlx_muzero.evaluation.synthetic_rules import dataset_of, rules_of
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.store.filling import store_to_fill
from mlx_muzero.market.synthetic.kinds import MarketKind
from mlx_muzero.market.synthetic.markets import make_market, named
from mlx_muzero.market.synthetic.truth import Truth
from mlx_muzero.symbols.symbol import Symbol

_OTHER_DRAW = 1 << 32
"""Added to a market's seed for the bars that its line is played on: none that anyone keeps."""


def store_market(
    database: Path,
    kind: MarketKind,
    symbol: str | None,
    days: int,
    seed: int,
    cost_pips: float | None,
    session_bars: int = 360,
) -> tuple[tuple[Bars, ...], Truth]:
    """Generate and store a market whose best policy is known, replacing one of that name.

    The truth tells, next to the best policy's expectation, what a line that was fitted on these
    bars earns on another draw of the same market.

    Args:
        database: path of the bar store; created if missing.
        kind: "random_walk" cannot be traded at a profit, planted markets can.
        symbol: name in the store, numbered for several pairs; None for the kind's.
        days: number of trading days of 1,440 bars.
        seed: seed of all random draws.
        cost_pips: round-trip cost, for computing the best policy; None for the kind's.
        session_bars: steps of one session, for computing the best policy.

    Returns:
        The bars of each pair, and their truth.

    Raises:
        DataError: the store has real bars under that name.
    """
    name = None if symbol is None else Symbol(symbol)
    # Opened first, so that it fails before the market is generated, which takes a while.
    with store_to_fill(database) as store:
        make = partial(
            make_market, kind, days=days, round_trip_cost_pips=cost_pips, session_bars=session_bars
        )
        bars, truth = make(seed)
        other, _ = make(seed + _OTHER_DRAW)
        truth |= _line_on(bars, other, truth)
        bars = named(bars, name)
        for own in bars:
            store.write_synthetic(own, truth)
    return bars, truth


def _line_on(bars: tuple[Bars, ...], other: tuple[Bars, ...], truth: Truth) -> Truth:
    """What a line fitted on `bars` earns on the `other` draw; None on markets too short for one."""
    try:
        reach = line_reach(dataset_of(bars, truth), dataset_of(other, truth), rules_of(truth))
    except DataError:
        return {"line_pips_per_session": None}
    return reach.as_dict()
