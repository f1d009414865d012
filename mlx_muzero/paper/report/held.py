"""What a paper session held, bar by bar, and what an exposure earned in the same bars."""

from collections.abc import Mapping

import numpy as np

from mlx_muzero.evaluation.luck.random_entries import Positions
from mlx_muzero.paper.report.performance import Performance
from mlx_muzero.paper.report.recorded_pair import RecordedPair
from mlx_muzero.paper.report.session_trades import SessionTrades
from mlx_muzero.trading.costs import gross_pips, pip_price
from mlx_muzero.types import F64


def held_by_pair(performance: Performance, recorded: Mapping[str, RecordedPair]) -> Positions:
    """Of each pair with bars: the exposure held, and basis points that one of 1 earned.

    An order fills at the open of the bar after its decision, so what is held from one open to the
    next earns the difference; the last bar's from its open to its close.
    """
    found = {}
    for place, traded in enumerate(performance.pairs):
        if traded.symbol in recorded:
            moved = moves(recorded[traded.symbol])
            own = performance.trades.take(performance.trades.pair == place)
            earned = moved * traded.pip_value / performance.basis_point
            found[traded.symbol] = held(own, len(moved)), earned
    return found


def held(trades: SessionTrades, bars: int) -> F64:
    """``f64[bars]`` exposure from each bar's open to the next, of one pair's trades."""
    changes = np.zeros(bars + 1)
    np.add.at(changes, trades.entry_bar + 1, trades.exposure)
    np.subtract.at(changes, trades.exit_bar + 1, trades.exposure)
    return np.asarray(changes.cumsum()[:-1])


def moves(recorded: RecordedPair) -> F64:
    """``f64[n]`` pips that a long exposure of 1 earns from each open of the session to the next."""
    path = np.concatenate([recorded.session.open, recorded.session.close[-1:]])
    here, there = path[:-1], path[1:]
    return gross_pips(np.ones(1), here, there, pip_price(here, recorded.rules.pip_size))
