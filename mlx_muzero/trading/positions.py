"""Positions, actions and the transitions between them.

FX "Action Space & Trading Logic" has three positions and four actions; an `ActionTable` holds that
state machine as arrays, so that core, search and baselines share one definition (ADR 9).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mlx_muzero.config.choices import Actions
from mlx_muzero.types import F64, I32, Bool

ILLEGAL = -1
FLAT = 0


@dataclass(frozen=True, eq=False)
class ActionTable:
    """Maps position and action to the next position. Position 0 is flat.

    Attributes:
        action_names: `A` distinct names.
        position_names: `P` distinct names.
        exposures: ``f64[P]`` signed exposure of each position; all distinct, 0 first.
        next_position: ``i32[P, A]`` position after the action, -1 where the action is illegal.
    """

    action_names: tuple[str, ...]
    position_names: tuple[str, ...]
    exposures: F64
    next_position: I32

    def __post_init__(self) -> None:
        """Copy the arrays, make them read-only and check them.

        Raises:
            ValueError: a size, name, exposure or table entry is invalid.
        """
        for name, dtype in (("exposures", np.float64), ("next_position", np.int32)):
            array = np.array(getattr(self, name), dtype)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        positions, actions = len(self.position_names), len(self.action_names)
        if self.exposures.shape != (positions,):
            raise ValueError(f"exposures has shape {self.exposures.shape}, expected ({positions},)")
        if self.next_position.shape != (positions, actions):
            raise ValueError(
                f"next_position has shape {self.next_position.shape}, "
                f"expected ({positions}, {actions})"
            )
        if len(set(self.action_names)) != actions or len(set(self.position_names)) != positions:
            raise ValueError("action_names and position_names must each be distinct")
        if self.exposures[FLAT] != 0.0 or len(set(self.exposures.tolist())) != positions:
            raise ValueError("exposures must be distinct and start with 0 (flat)")
        if self.next_position.min() < ILLEGAL or self.next_position.max() >= positions:
            raise ValueError(f"next_position must lie in [-1, {positions})")
        if not self.legal.any(axis=1).all():
            raise ValueError("every position needs at least one legal action")
        if (self.routes == ILLEGAL).any():
            raise ValueError("every position must be reachable from every other")

    @cached_property
    def legal(self) -> Bool:
        """``bool[P, A]`` True where the action is allowed."""
        return np.asarray(self.next_position != ILLEGAL)

    @cached_property
    def routes(self) -> I32:
        """``i32[P, P]`` first action on a shortest path from one position (row) to another."""
        positions = len(self.position_names)
        routes = np.full((positions, positions), ILLEGAL, np.int32)
        for start in range(positions):
            seen = {start}
            # Breadth-first search over (position reached, first action taken).
            frontier = [(start, ILLEGAL)]
            while frontier:
                reached: list[tuple[int, int]] = []
                for position, first in frontier:
                    for action in np.flatnonzero(self.legal[position]):
                        after = int(self.next_position[position, action])
                        began = int(action) if first == ILLEGAL else first
                        if routes[start, after] == ILLEGAL:
                            routes[start, after] = began
                        if after not in seen:
                            seen.add(after)
                            reached.append((after, began))
                frontier = reached
        return routes

    def legal_mask(self, position: I32) -> Bool:
        """``bool[B, A]`` legal actions of accounts in `position` ``i32[B]``."""
        return np.asarray(self.legal[position])

    def position_of(self, exposure: npt.ArrayLike) -> I32:
        """The position with exactly `exposure`, as ``i32`` of the same shape.

        Raises:
            ValueError: no position has that exposure.
        """
        wanted = np.asarray(exposure, np.float64)[..., None]
        matches = wanted == self.exposures
        if not matches.any(axis=-1).all():
            raise ValueError(f"no position has the exposure wanted; the table has {self.exposures}")
        return matches.argmax(axis=-1).astype(np.int32)

    def actions_toward(self, position: I32, exposure: npt.ArrayLike) -> I32:
        """``i32[B]`` the next action on the shortest path from `position` to `exposure`."""
        return np.asarray(self.routes[position, self.position_of(exposure)])


FX_ACTIONS = ActionTable(
    action_names=("HOLD", "BUY", "SELL", "CLOSE"),
    position_names=("FLAT", "LONG", "SHORT"),
    exposures=np.array([0.0, 1.0, -1.0]),
    next_position=np.array(
        [
            [0, 1, 2, ILLEGAL],
            [1, ILLEGAL, ILLEGAL, 0],
            [2, ILLEGAL, ILLEGAL, 0],
        ],
        np.int32,
    ),
)
"""FX "Position Rules": one position, no scaling, no direct reversal."""

_TARGETS = (0.0, 0.3, 0.6, 1.0, -0.3, -0.6, -1.0)
_TARGET_NAMES = ("NEUTRAL", "LONG_1", "LONG_2", "LONG_3", "SHORT_1", "SHORT_2", "SHORT_3")

TARGET_ACTIONS = ActionTable(
    action_names=_TARGET_NAMES,
    position_names=_TARGET_NAMES,
    exposures=np.array(_TARGETS),
    next_position=np.tile(np.arange(len(_TARGETS), dtype=np.int32), (len(_TARGETS), 1)),
)
"""CRYPTO "Action Space": an action names the target exposure, whatever the position."""

ACTION_TABLES: dict[Actions, ActionTable] = {"fx": FX_ACTIONS, "targets": TARGET_ACTIONS}
"""Action tables by value of `trading.actions`."""
