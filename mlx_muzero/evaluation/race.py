"""A race of a candidate against the best before it: one that is likely worse is dropped early.

Both play the same sessions, so their difference is judged pair by pair: what the market did to both
cancels out. A quarter of the sessions often tells enough, and all of them keep luck from choosing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.backtest import Backtest, joined
from mlx_muzero.evaluation.session_groups import SessionGroups
from mlx_muzero.market.sessions import spread_evenly
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64, I64

FIRST_SHARE = 0.25
"""Share of the sessions after which a candidate may be dropped."""
LEAST_SESSIONS = 32
"""Fewer judge nobody."""
_STANDARD_ERRORS = 1.645
"""A candidate as good as the best is dropped once in twenty races."""

Score = Callable[[Backtest], F64]
"""``f64[n]`` of a backtest's sessions, of which the higher mean wins."""


@dataclass(frozen=True, eq=False)
class Raced:
    """What a candidate played.

    Attributes:
        backtest: of the sessions that it played.
        dropped: whether it played only the first of them.
    """

    backtest: Backtest
    dropped: bool


def race_order(starts: I64, together: int = 1) -> I64:
    """`starts` ``i64[n]``, in time order, with those first that are played first, spread evenly.

    So many as are played `together` follow one another, before and after.
    """
    groups = starts.reshape(-1, together)
    count = first_sessions(len(starts), together) // together
    first = spread_evenly(np.arange(len(groups)), count)
    return np.concatenate([groups[first], np.delete(groups, first, axis=0)]).ravel()


def first_sessions(sessions: int, together: int = 1) -> int:
    """How many of so many sessions a candidate plays before it may be dropped: whole groups."""
    wanted = max(LEAST_SESSIONS, int(FIRST_SHARE * sessions))
    return min(sessions, -(-wanted // together) * together)


def race(
    play: Callable[[I64], Backtest],
    starts: I64,
    score: Score,
    best: F64 | None,
    rules: TradingRules,
    together: int = 1,
) -> Raced:
    """Play a candidate over `starts` ``i64[n]``, or the first of them if it falls behind.

    Args:
        play: the candidate over some starts.
        starts: in the order of `race_order`.
        score: of sessions.
        best: ``f64[n]`` scores of the best before it; None if there is none.
        rules: that it plays by.
        together: sessions that are played together, as in `race_order`.
    """
    first = first_sessions(len(starts), together)
    begun = play(starts[:first])
    if first == len(starts):
        return Raced(begun, dropped=False)
    if best is not None and likely_below(score(begun) - best[:first], begun.groups):
        return Raced(begun, dropped=True)
    return Raced(joined([begun, play(starts[first:])], rules), dropped=False)


def likely_below(difference: F64, groups: SessionGroups) -> bool:
    """Whether the mean of paired differences ``f64[n]`` is below 0 beyond their noise."""
    totals = groups.totals(difference)
    if len(totals) < 2:
        return False
    error = totals.std(ddof=1) / np.sqrt(len(totals))
    return bool(totals.mean() + _STANDARD_ERRORS * error < 0.0)
