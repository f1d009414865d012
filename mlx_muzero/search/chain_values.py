"""Value iteration over a market chain: the worth of account states under any terms."""

import numpy as np

from mlx_muzero.search.terms import Terms
from mlx_muzero.types import F64

_TOLERANCE_PIPS = 1e-6
_MOST_SWEEPS = 20_000


def solve_chain(transition: F64, move: F64, terms: Terms, discount: float) -> F64:
    """``f64[H, G, S]`` pips from each account state in each state of the market from now on.

    Row h is where the costs are those of `terms` h bars from now. The best decisions follow,
    forever, at `discount` a bar; sweeps end when no worth changes by a millionth of a pip.

    Args:
        transition: ``f64[G, G]`` probability of the next state, by the one now.
        move: ``f64[G]`` mean pips of the bar after each state.
        terms: account states and costs.
        discount: of a bar, below 1 unless no state earns.
    """
    phases = len(terms.costs)
    gained = move[:, None] * terms.exposures
    worth = np.zeros((phases, *gained.shape))
    for _ in range(_MOST_SWEEPS):
        before = worth[0].copy()
        for phase in reversed(range(phases)):
            later = terms.best(worth[(phase + 1) % phases], phase + 1)
            worth[phase] = gained + discount * (transition @ later)
        if np.abs(worth[0] - before).max() <= _TOLERANCE_PIPS:
            break
    return worth
