"""Uses an agent as the planner of a paper session."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.moment import Moment
from mlx_muzero.config.choices import Precision
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.search.result import SearchResult
from mlx_muzero.types import F32, I32, U64


class AgentPlanner:
    """Adapts an agent to `paper.planner.Planner`.

    Args:
        make_agent: makes the agent; its deployment reports to the given function, because an
            evaluator may be lost and replaced before the agent exists.
    """

    def __init__(self, make_agent: Callable[[Callable[[EngineEvent], None]], Agent]) -> None:
        self._troubles: list[str] = []
        self._agent = make_agent(lambda event: self._troubles.append(str(event)))

    def troubles(self) -> list[str]:
        """See `Planner.troubles`."""
        troubles, self._troubles = self._troubles, []
        return troubles

    @property
    def backend(self) -> str:
        """See `Planner.backend`."""
        return self._agent.backend

    @property
    def root_backend(self) -> str:
        """See `Planner.root_backend`."""
        return self._agent.root_backend

    @property
    def precision(self) -> Precision:
        """See `Planner.precision`."""
        return self._agent.precision

    def plan(
        self, observation: F32, account: I32, seed: U64, simulations: int, moment: Moment
    ) -> SearchResult:
        """See `Planner.plan`; adds no noise."""
        return self._agent.plan(
            observation, account, seed, simulations=simulations, noise=False, moment=moment
        )

    def tree(self, root: int, simulations: int) -> Mapping[str, Sequence[Any]]:
        """See `Planner.tree`."""
        table = self._agent.tree(root, simulations=simulations)
        return {field.name: getattr(table, field.name) for field in fields(table)}
