"""Recomputes the costs of closed trades, assuming the same fills."""

from dataclasses import replace

import numpy as np

from mlx_muzero.trading.costs import Costs, pip_price
from mlx_muzero.trading.ledger import Trades


def recosted(trades: Trades, costs: Costs, pip_size: float) -> Trades:
    """`trades` with the costs they would have had under `costs`; gross pips are unchanged.

    Args:
        trades: all trades of the accounts, in closing order.
        costs: what fills cost instead.
        pip_size: price of one pip; 0 where a pip is a basis point.
    """
    size, flat = len(trades), np.zeros(len(trades))
    previous = trades.previous
    resizes = np.flatnonzero(previous >= 0)
    # Valued at the fill: in basis points, the exposure has grown with the price since entry.
    pip = np.broadcast_to(pip_price(trades.entry_price, pip_size), (size,))
    worth = trades.exposure * (pip_price(trades.exit_price, pip_size) / pip)
    before, after = flat.copy(), flat.copy()
    before[resizes] = worth[previous[resizes]]
    after[previous[resizes]] = trades.exposure[resizes]
    _, entered = costs.fill_pips(before, trades.exposure, trades.entry_price, pip_size)
    left, _ = costs.fill_pips(worth, after, trades.exit_price, pip_size)
    return replace(trades, cost_pips=entered + left)
