"""The worth of account states in a market chain under any terms, reckoned backward in time."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.search.terms import Terms
from mlx_muzero.types import F64, I64

_TOLERANCE = 1e-6, 1e-9
"""Pips, and share of the greatest worth, by which a solution may differ from the exact one."""

_FIRST_JUMP = 32
"""Sweeps before worth first jumps to where its growth leads."""

_DIRECTIONS = 8
"""Sweeps before the last that say in which directions it grows."""


@dataclass(frozen=True, eq=False)
class ChainMarket:
    """A Markov chain of G market states.

    Attributes:
        transition: ``f64[G, G]`` probability of the next state, by the one now.
        move: ``f64[G]`` mean pips of the bar after each state.
        discount: of a bar.
    """

    transition: F64
    move: F64
    discount: float

    def __post_init__(self) -> None:
        """Check the discount.

        Raises:
            ValueError: it is not between 0 and 1.
        """
        if not 0.0 <= self.discount <= 1.0:
            raise ValueError(f"a chain needs a discount between 0 and 1, not {self.discount}")

    def back_from(self, last: F64, terms: Terms, condition: I64) -> F64:
        """``f64[T, G, S]`` pips of each account state in each market state, from T bars on each.

        Args:
            last: ``f64[G, S]`` the same from the bar after them on.
            terms: account states, costs and limits.
            condition: ``i64[T + 1]`` of the terms at each bar, and at that after them.
        """
        worth = np.empty((len(condition) - 1, *last.shape))
        for bar in reversed(range(len(worth))):
            later = terms.best(last, condition[[bar + 1]])
            held = terms.held(self.move[:, None], condition[[bar]])[:, 0]
            last = worth[bar] = held + self.discount * (self.transition @ later)
        return worth

    def forever(self, terms: Terms, cycle: I64) -> F64:
        """``f64[T, G, S]`` what `back_from` returns if T conditions repeat for ever.

        The conditions are `cycle` ``i64[T]``. Value iteration sweeps over them until nothing
        can be further from the solution than the tolerance, by the contraction that discounting
        is. What still grows after a few sweeps grows along a few directions, so now and then worth
        jumps to where these lead; sweeps mend what a jump gets wrong, and jumps become rarer, so
        it ends.

        Raises:
            ValueError: nothing is discounted, so what follows for ever is not finite.
        """
        if self.discount == 1.0:
            raise ValueError("what follows for ever needs a discount below 1")
        condition = np.concatenate([cycle, cycle[:1]])
        faded = self.discount ** len(cycle)
        begun = [np.zeros((len(self.move), len(terms.exposures)))]
        sweeps, jump = 0, _FIRST_JUMP
        while True:
            worth = self.back_from(begun[-1], terms, condition)
            wrong = np.abs(worth[0] - begun[-1]).max() * faded / (1.0 - faded)
            pips, share = _TOLERANCE
            if wrong <= pips + share * np.abs(worth[0]).max():
                return worth
            begun = [*begun[-_DIRECTIONS:], worth[0]]
            sweeps += 1
            if sweeps == jump:
                begun, jump = [_where_it_leads(np.stack(begun))], 2 * jump


def _where_it_leads(swept: F64) -> F64:
    """``f64[G, S]`` the limit of successive sweeps ``f64[m, G, S]``, by the last of them.

    Reduced rank extrapolation (Eddy 1979): exact where growth is a sum of m - 2 geometric series.
    """
    growth = np.diff(swept, axis=0).reshape(len(swept) - 1, -1)
    shares = np.linalg.lstsq(np.diff(growth, axis=0).T, growth[-1], rcond=None)[0]
    return np.asarray(swept[-1] - (shares @ growth[1:]).reshape(swept[-1].shape))
