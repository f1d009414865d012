"""What a paper session held, bar by bar, and what an exposure earned in the same bars."""

from collections.abc import Mapping

import numpy as np

from mlx_muzero.evaluation.luck.random_entries import Positions
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.report.performance import Performance
from mlx_muzero.paper.report.recorded_pair import RecordedPair
from mlx_muzero.trading.costs import gross_pips, pip_price
from mlx_muzero.types import F64


def held_by_pair(performance: Performance, recorded: Mapping[str, RecordedPair]) -> Positions:
    """Of each pair with bars: the exposure held, and basis points that one of 1 earned.

    An order fills at the open of the bar after its decision, so what is held from one open to the
    next earns the difference; the last bar's from its open to its close.
    """
    accounts = {account.pair: account for account in performance.accounts}
    bars = {pair: moves(accounts[pair], of_pair) for pair, of_pair in recorded.items()}
    return {
        pair: (
            held([row for row in performance.trades if row["pair"] == pair], len(moved)),
            moved * accounts[pair].pip_value / performance.basis_point,
        )
        for pair, moved in bars.items()
    }


def held(trades: list[Row], bars: int) -> F64:
    """``f64[bars]`` exposure from each bar's open to the next, of one pair's trades."""
    changes = np.zeros(bars + 1)
    for row in trades:
        changes[row["entry_bar"] + 1] += row["exposure"]
        changes[row["exit_bar"] + 1] -= row["exposure"]
    return np.asarray(changes.cumsum()[:-1])


def moves(account: PairAccount, recorded: RecordedPair) -> F64:
    """``f64[n]`` pips that a long exposure of 1 earns from each open of the session to the next."""
    bars = recorded.bars[recorded.history_bars :]
    path = np.array([*(bar.open for bar in bars), *(bar.close for bar in bars[-1:])])
    here, there = path[:-1], path[1:]
    return gross_pips(np.ones(1), here, there, pip_price(here, account.core.rules.pip_size))
