"""Stores a synthetic market."""

from dataclasses import replace
from pathlib import Path

from mlx_muzero.market.bars import Bars
from mlx_muzero.market.store.filling import store_to_fill
from mlx_muzero.market.synthetic.kinds import MarketKind
from mlx_muzero.market.synthetic.markets import Truth, make_market
from mlx_muzero.symbols.symbol import Symbol


def store_market(
    database: Path,
    kind: MarketKind,
    symbol: str | None,
    days: int,
    seed: int,
    cost_pips: float,
    session_bars: int = 360,
) -> tuple[Bars, Truth]:
    """Generate and store a market whose best policy is known, replacing one of that name.

    Args:
        database: path of the bar store; created if missing.
        kind: "random_walk" cannot be traded at a profit, planted markets can.
        symbol: name in the store; None for the kind's.
        days: number of trading days of 1,440 bars.
        seed: seed of all random draws.
        cost_pips: round-trip cost, for computing the best policy.
        session_bars: steps of one session, for computing the best policy.

    Returns:
        The bars and their truth.

    Raises:
        DataError: the store has real bars under that name.
    """
    name = None if symbol is None else Symbol(symbol)
    # Opened first, so that it fails before the market is generated, which takes a while.
    with store_to_fill(database) as store:
        bars, truth = make_market(
            kind, seed, days, round_trip_cost_pips=cost_pips, session_bars=session_bars
        )
        bars = replace(bars, symbol=name or Symbol(bars.symbol))
        store.write_synthetic(bars, truth)
    return bars, truth
