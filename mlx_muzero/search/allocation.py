"""One joint action for accounts that share a limit on exposure: exact, by dynamic programming.

Every account has worths of its own actions. Within the limit, the sum of worths decides, which is
a knapsack with a few sizes for each account.
"""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.types import F64, I32, I64

_DECIMALS = 9
"""Of exposures, whose sums may equal the limit."""


def allocate(action: I32, worth: F64, exposure: F64, held: F64, group: I64, limit: float) -> I32:
    """``i32[B]`` actions of the most worth in sum, while no group exceeds the limit.

    A group whose `action` fits takes it, to the last bit. Of equally good ones the smaller sum of
    exposures is taken, then the smaller exposure of later rows: rows of a group come in an order of
    their own, such as by name. A group that exceeds the limit already may stay, but not grow.

    Args:
        action: ``i32[B]`` what each account does where nothing limits it.
        worth: ``f64[B, A]`` of every action; minus infinity where illegal.
        exposure: ``f64[B, A]`` absolute exposure after each action; ignored where illegal.
        held: ``f64[B]`` absolute exposure before.
        group: ``i64[B]`` number of the group that shares the limit, from 0.
        limit: largest sum of a group's absolute exposures.
    """
    row = np.arange(len(action))
    wanted = np.bincount(group, exposure[row, action])
    room = np.maximum(limit, np.bincount(group, held)) + 0.5 * 10.0**-_DECIMALS
    tight = (wanted > room)[group]
    if not tight.any():
        return action
    found = action.copy()
    rows = np.flatnonzero(tight)
    names, number = np.unique(group[rows], return_inverse=True)
    found[rows] = _packed(worth[rows], exposure[rows], number, room[names])
    return found


@dataclass(frozen=True, eq=False)
class _Added:
    """The sums of exposures that one more member makes of those before it.

    Attributes:
        sums: ``f64[M]`` rising, all that can be reached.
        after: ``i64[N, K]`` place of each of the `N` sums before and `K` sizes among them.
    """

    sums: F64
    after: I64

    @classmethod
    def to(cls, before: F64, sizes: F64) -> "_Added":
        """Those of `sizes` ``f64[K]`` added to `before` ``f64[N]``."""
        each = (before[:, None] + sizes).round(_DECIMALS)
        sums, place = np.unique(each, return_inverse=True)
        return cls(sums, place.reshape(each.shape))


def _packed(worth: F64, exposure: F64, group: I64, room: F64) -> I32:
    """``i32[B]`` as `allocate`, of groups ``0 .. G - 1`` with `room` ``f64[G]``."""
    legal = np.isfinite(worth)
    size = np.where(legal, exposure, 0.0).round(_DECIMALS)
    sizes = np.unique(size)
    # Of each size the best action, f64[B, K] and i64[B, K].
    of_size = np.where((size[:, :, None] == sizes) & legal[:, :, None], worth[:, :, None], -np.inf)
    best, best_action = of_size.max(axis=1), of_size.argmax(axis=1)

    order = np.argsort(group, kind="stable")
    count = np.bincount(group)
    first = np.cumsum(count) - count
    members = int(count.max())
    value = np.zeros((len(count), 1))
    sums, steps, taken = np.zeros(1), [], []
    for member in range(members):
        present = member < count
        row = order[np.where(present, first + member, 0)]
        # Groups with fewer members add nothing.
        nothing = np.where(sizes == 0.0, 0.0, -np.inf)
        gained = np.where(present[:, None], best[row], nothing)
        step = _Added.to(sums, sizes)
        value, size_taken = _extended(value, gained, step)
        sums = step.sums
        steps.append(step)
        taken.append(size_taken)
    fits = np.where(sums <= room[:, None], value, -np.inf)
    possible = np.isfinite(fits).any(axis=1)
    # Where nothing legal fits, the least.
    place = np.where(possible, fits.argmax(axis=1), np.isfinite(value).argmax(axis=1))
    found = np.zeros(len(worth), np.int32)
    number = np.arange(len(count))
    for member in reversed(range(members)):
        chosen = taken[member][number, place]
        present = member < count
        row = order[first[present] + member]
        found[row] = best_action[row, chosen[present]]
        back = steps[member].after
        # The sum before is the one that this size leads from.
        place = (back[:, chosen] == place).argmax(axis=0)
    return found


def _extended(value: F64, gained: F64, step: _Added) -> tuple[F64, I64]:
    """Most worth ``f64[G, M]`` by sum with one more member, and the size ``i64[G, M]`` it takes.

    Args:
        value: ``f64[G, N]`` most worth by sum before.
        gained: ``f64[G, K]`` worth of the member's best action of each size.
        step: the sums before and after.
    """
    most = np.full((len(value), len(step.sums)), -np.inf)
    taken = np.zeros(most.shape, np.int64)
    for size in range(gained.shape[1]):
        place = step.after[:, size]
        offered = value + gained[:, [size]]
        better = offered > most[:, place]
        most[:, place] = np.where(better, offered, most[:, place])
        taken[:, place] = np.where(better, size, taken[:, place])
    return most, taken
