"""Who decides, and how many simulations there is time for."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mlx_muzero.search.result import SearchResult
from mlx_muzero.types import F32, I32, U64

_SMOOTHING = 0.2  # weight of the newest measurement
_RESERVE = 1.25  # a search may take that much longer than the ones before


class Planner(Protocol):
    """Decides for B pairs at once."""

    def plan(self, observation: F32, position: I32, seed: U64, simulations: int) -> SearchResult:
        """Search from ``f32[B, W, F]``, ``i32[B]`` and ``u64[B]``."""
        ...

    def tree(self, root: int, simulations: int) -> Mapping[str, Sequence[Any]]:
        """Columns of a root's tree in the last plan."""
        ...

    def troubles(self) -> list[str]:
        """What failed since this was last asked, and was made up for by something else."""
        ...

    @property
    def backend(self) -> str:
        """What evaluates."""
        ...


class SimulationBudget:
    """How many simulations fit before the deadline, by how long the last ones took.

    The number is halved until it fits, so that there are few different ones: each keeps an arena.

    Args:
        simulations: wanted.
        least: never fewer.
        deadline_s: from a minute's last bar to its orders.
    """

    def __init__(self, simulations: int, least: int, deadline_s: float) -> None:
        self._simulations, self._least = simulations, min(least, simulations)
        self._deadline_s = deadline_s
        self._seconds_each = 0.0

    @property
    def known(self) -> bool:
        """Whether a search was measured."""
        return self._seconds_each > 0.0

    def choose(self, spent_s: float) -> int:
        """Simulations of a search that begins `spent_s` after the last bar came."""
        left_s = self._deadline_s - spent_s
        simulations = self._simulations
        while simulations > self._least and _RESERVE * simulations * self._seconds_each > left_s:
            simulations = max(simulations // 2, self._least)
        return simulations

    def measured(self, simulations: int, seconds: float) -> None:
        """A search took that long."""
        each = seconds / simulations
        known = self._seconds_each
        self._seconds_each = known + _SMOOTHING * (each - known) if known else each
