"""A synthetic market put into a store."""

from dataclasses import replace
from pathlib import Path

from mlx_muzero.market.bars import Bars
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.synthetic.markets import MarketKind, Truth, make_market
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
    """Make a market whose best policy is known, replacing one of that name.

    Args:
        database: bar store; made if missing.
        kind: "planted_edge" can be traded at a profit, "random_walk" cannot.
        symbol: name in the store; None for the kind's.
        days: trading days of 1,440 bars.
        seed: of every draw.
        cost_pips: round-trip cost that the best policy is computed for.
        session_bars: steps of one session that it is computed for.

    Returns:
        The bars, and what is known of them.

    Raises:
        DataError: the name holds real bars.
    """
    name = None if symbol is None else Symbol(symbol)
    # Opened first: what is wrong with it is said before the market is made, which takes a while.
    with BarStore(database) as store:
        bars, truth = make_market(
            kind, seed, days, round_trip_cost_pips=cost_pips, session_bars=session_bars
        )
        bars = replace(bars, symbol=name or Symbol(bars.symbol))
        store.write_synthetic(bars, truth)
    return bars, truth
