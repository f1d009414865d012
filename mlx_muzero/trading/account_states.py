"""All that what is legal depends on: the position, and how many entries a session has left.

One table says which action is legal in which state and what it leads to, so that accounts, both
searches, baselines and targets agree. Without a limit on entries, states are positions.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mlx_muzero.trading.positions import ILLEGAL, ActionTable
from mlx_muzero.types import F64, I32, Bool


@dataclass(frozen=True, eq=False)
class AccountStates:
    """The `S` states of an account: ``state = position + P * entries made``.

    An entry adds exposure: from flat, to a larger one on the same side, or by a reversal. Reducing
    and closing are always possible.

    Attributes:
        table: positions and actions.
        max_entries: entries that a session allows; 0: any number, and a state is a position.
    """

    table: ActionTable
    max_entries: int = 0

    def __post_init__(self) -> None:
        """Check the limit.

        Raises:
            ValueError: it is negative.
        """
        if self.max_entries < 0:
            raise ValueError(f"max_entries is {self.max_entries}; 0 means no limit")

    @property
    def count(self) -> int:
        """Number of states (S)."""
        return len(self.table.exposures) * (self.max_entries + 1)

    @cached_property
    def position(self) -> I32:
        """``i32[S]`` position in each state."""
        return np.arange(self.count, dtype=np.int32) % np.int32(len(self.table.exposures))

    @cached_property
    def entries_made(self) -> I32:
        """``i32[S]`` entries made by then; 0 where they are not limited."""
        return np.arange(self.count, dtype=np.int32) // np.int32(len(self.table.exposures))

    @cached_property
    def exposures(self) -> F64:
        """``f64[S]`` signed exposure in each state."""
        return np.asarray(self.table.exposures[self.position])

    @cached_property
    def next_state(self) -> I32:
        """``i32[S, A]`` state after an action; -1 where it is illegal."""
        after = self.table.next_position[self.position]
        if not self.max_entries:
            return after
        enters = self.enters(self.position[:, None], after)
        made = self.entries_made[:, None] + enters
        illegal = (after == ILLEGAL) | (made > self.max_entries)
        states = after + made * len(self.table.exposures)
        return np.where(illegal, ILLEGAL, states).astype(np.int32)

    @cached_property
    def legal(self) -> Bool:
        """``bool[S, A]`` True where the action is allowed."""
        return np.asarray(self.next_state != ILLEGAL)

    def enters(self, before: I32, after: I32) -> Bool:
        """Whether going from position `before` to `after` is an entry, elementwise."""
        held, wanted = self.table.exposures[before], self.table.exposures[after]
        same_side = np.sign(held) == np.sign(wanted)
        return np.asarray(abs(wanted) > np.where(same_side, abs(held), 0.0))

    def of(self, position: I32, entries_made: I32) -> I32:
        """``i32[...]`` state of accounts in `position` after so many entries."""
        if not self.max_entries:
            return position
        made = entries_made * len(self.table.exposures)
        return np.asarray(position + made, np.int32)

    def seen_as(self, other: "AccountStates") -> I32:
        """``i32[S]`` the state of `other` that is most like each of these.

        It has the same position and as many entries left, or all of them if it has fewer at most.
        """
        left = self.max_entries - self.entries_made if self.max_entries else other.max_entries
        made = other.max_entries - np.minimum(left, other.max_entries)
        return other.of(self.position, np.broadcast_to(made, self.position.shape))

    def entries_left(self, state: I32) -> I32:
        """``i32[B]`` entries that accounts in `state` have left; 0 where they are not limited."""
        return np.asarray(self.max_entries - self.entries_made[state], np.int32)

    def legal_mask(self, state: I32) -> Bool:
        """``bool[B, A]`` legal actions of accounts in `state` ``i32[B]``."""
        return np.asarray(self.legal[state])

    def actions_toward(self, state: I32, exposure: npt.ArrayLike) -> I32:
        """``i32[...]`` the next action on the shortest path from `state` to `exposure`.

        Where the entries left do not reach that far, to the nearest exposure that they do reach.
        `state` and `exposure` broadcast together.

        Raises:
            ValueError: no position has that exposure.
        """
        return np.asarray(self._routes[state, self.table.position_of(exposure)])

    @cached_property
    def _routes(self) -> I32:
        """``i32[S, P]`` first action on the way from each state toward each position."""
        if not self.max_entries:
            return self.table.routes
        exposures = self.table.exposures
        routes = np.empty((self.count, len(exposures)), np.int32)
        for state in range(self.count):
            first = self._first_actions(state)
            reached = np.array(sorted(first), np.int64)
            distance = abs(exposures[reached] - exposures[:, None])
            nearest = reached[distance.argmin(axis=1)]
            routes[state] = [first[int(position)] for position in nearest]
        return routes

    def _first_actions(self, start: int) -> dict[int, int]:
        """First action on a shortest path from state `start`, by position that it reaches."""
        found: dict[int, int] = {}
        seen, frontier = {start}, [(start, ILLEGAL)]
        while frontier:
            reached: list[tuple[int, int]] = []
            for state, first in frontier:
                for action in np.flatnonzero(self.legal[state]):
                    after = int(self.next_state[state, action])
                    began = int(action) if first == ILLEGAL else first
                    found.setdefault(int(self.position[after]), began)
                    if after not in seen:
                        seen.add(after)
                        reached.append((after, began))
            frontier = reached
        return found
