"""The interface of planners, and how many simulations there is time for."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mlx_muzero.agent.moment import Moment
from mlx_muzero.config.choices import Precision
from mlx_muzero.search.result import SearchResult
from mlx_muzero.types import F32, I32, U64

_SMOOTHING = 0.2  # weight of the newest measurement
RESERVE = 1.25
"""How many times as long as previous searches another one may take."""


class Planner(Protocol):
    """Decides for B pairs at once."""

    def plan(
        self, observation: F32, account: I32, seed: U64, simulations: int, moment: Moment
    ) -> SearchResult:
        """Search from observations ``f32[B, W, F]`` for accounts in states ``i32[B]``.

        Seeds are ``u64[B]``; `moment` says what else the accounts know.
        """
        ...

    def tree(self, root: int, simulations: int) -> Mapping[str, Sequence[Any]]:
        """Columns of one root's tree from the last plan."""
        ...

    def troubles(self) -> list[str]:
        """Failures since the last call for which a substitute was used."""
        ...

    @property
    def backend(self) -> str:
        """Name of the backend that evaluates leaves."""
        ...

    @property
    def root_backend(self) -> str:
        """Name of the backend that evaluates roots."""
        ...

    @property
    def precision(self) -> Precision:
        """The number format of that backend's large products."""
        ...

    @property
    def rivals(self) -> tuple[str, ...]:
        """Backends that could take over from exported programs; none where no export plays."""
        ...

    def on(self, backend: str, root_backend: str = "auto") -> "Planner":
        """Another planner with the same model, on these backends.

        Raises:
            MuZeroError: they cannot play it here.
        """
        ...

    def adopt(self, rival: Any) -> None:
        """Plan as `rival` does from now on: the same model on other backends, or another model."""
        ...


class SimulationBudget:
    """Fits the number of simulations to the deadline, based on how long recent searches took.

    The number is halved until it fits, which limits how many different sizes need an arena.

    Args:
        simulations: the number wanted.
        least: the minimum.
        deadline_s: from a minute's last bar to its orders.
    """

    def __init__(self, simulations: int, least: int, deadline_s: float) -> None:
        self._simulations, self._least = simulations, min(least, simulations)
        self._deadline_s = deadline_s
        self._seconds_each = 0.0

    @property
    def known(self) -> bool:
        """Whether a search has been measured."""
        return self._seconds_each > 0.0

    def choose(self, spent_s: float) -> int:
        """Number of simulations for a search that starts `spent_s` after the last bar arrived."""
        left_s = self._deadline_s - spent_s
        simulations = self._simulations
        while simulations > self._least and RESERVE * simulations * self._seconds_each > left_s:
            simulations = max(simulations // 2, self._least)
        return simulations

    def measured(self, simulations: int, seconds: float) -> None:
        """Record how long a search took."""
        each = seconds / simulations
        known = self._seconds_each
        self._seconds_each = known + _SMOOTHING * (each - known) if known else each
