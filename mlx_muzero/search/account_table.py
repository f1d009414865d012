"""What accounts may do now and at coming bars, as the table of positions that a search takes."""

import numpy as np

from mlx_muzero.search.terms import Terms
from mlx_muzero.types import I32, I64


class AccountTable:
    """Account states by the bars ahead, so that an action may be legal now and forbidden later.

    A row is an account state so many bars after a root. Roots whose conditions follow one another
    in the same way share rows.

    Args:
        terms: under which accounts act.
        condition: ``i64[B, d + 1]`` of the terms that is in force at each depth, by root; nothing
            is decided beyond depth d.

    Attributes:
        next_row: ``i32[N, A]`` row after an action; -1 where it is not allowed.
    """

    def __init__(self, terms: Terms, condition: I64) -> None:
        ways, way = np.unique(condition, axis=0, return_inverse=True)
        (count, bars), states = ways.shape, len(terms.next_state)
        self._first = way.reshape(-1) * bars * states
        # Nothing follows the last bar, so it may as well follow itself.
        later = np.minimum(np.arange(1, bars + 1), bars - 1) + bars * np.arange(count)[:, None]
        following = later[..., None, None] * states + terms.next_state
        rows = np.where(np.isfinite(terms.charged[ways]), following, -1)
        self.next_row: I32 = rows.reshape(-1, rows.shape[-1]).astype(np.int32)

    def rows(self, account: I32) -> I32:
        """``i32[B]`` rows of the roots, whose accounts are in states ``i32[B]``."""
        return (self._first + account).astype(np.int32)
