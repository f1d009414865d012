"""The probability of backtest overfitting, by combinatorially symmetric cross-validation.

Bailey, Borwein, Lopez de Prado and Zhu, "The Probability of Backtest Overfitting", Journal of
Computational Finance 20(4), 2017: time is cut into blocks; for every half of them, the trial that
is best there is ranked by the other half. Overfitting is where it ranks in the lower half.
"""

from itertools import combinations

import numpy as np

from mlx_muzero.types import F64

BLOCKS = 16
"""Blocks of time, of which half are chosen by: 12,870 ways."""


def overfitting_probability(returns: F64, blocks: int = BLOCKS) -> float | None:
    """How often the best of N trials in one half of the time ranks in the lower half of the other.

    Args:
        returns: ``f64[T, N]`` what each trial earned, in time order.
        blocks: an even number; fewer if there is less time.

    Returns:
        The share; None with fewer than two different trials or four observations.
    """
    returns = np.unique(returns, axis=1)  # the same trial twice would share its rank
    count, trials = returns.shape
    blocks = min(blocks, count // 2 * 2)
    if trials < 2 or blocks < 4:
        return None
    edges = np.linspace(0, count, blocks + 1).round().astype(np.int64)[:-1]
    sizes = np.diff([*edges, count])
    sums, squares = (np.add.reduceat(values, edges) for values in (returns, returns**2))
    half = np.array(list(combinations(range(blocks), blocks // 2)))
    inside = np.zeros((len(half), blocks))
    np.put_along_axis(inside, half, 1.0, axis=1)
    best = _ratios(inside, sizes, sums, squares).argmax(axis=1)
    other = _ratios(1.0 - inside, sizes, sums, squares)
    chosen = np.take_along_axis(other, best[:, None], axis=1)
    # Its rank from 1; of trials that are level, the middle one.
    rank = (other < chosen).sum(axis=1) + 0.5 * ((other == chosen).sum(axis=1) + 1)
    return float((rank <= (trials + 1) / 2).mean())


def _ratios(inside: F64, sizes: F64, sums: F64, squares: F64) -> F64:
    """``f64[C, N]`` Sharpe ratios over the blocks that are 1 in ``f64[C, S]``."""
    count = (inside @ sizes)[:, None]
    mean = inside @ sums / count
    variance = np.maximum(inside @ squares / count - mean**2, 0.0)
    return np.divide(mean, np.sqrt(variance), out=np.zeros_like(mean), where=variance > 0.0)
