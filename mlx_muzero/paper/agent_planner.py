"""Uses an agent as the planner of a paper session."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.backend_choice import BACKENDS
from mlx_muzero.agent.moment import Moment
from mlx_muzero.config.choices import Precision
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.exports.program import PLAYS
from mlx_muzero.search.result import SearchResult
from mlx_muzero.types import F32, I32, U64

MakeAgent = Callable[[Callable[[EngineEvent], None], tuple[str, str] | None], Agent]
"""Makes an agent on backends of leaves and roots, or on those of the session.

Its deployment reports to the given function, because an evaluator may be lost and replaced before
the agent exists.
"""


class AgentPlanner:
    """Adapts an agent to `paper.planner.Planner`.

    Args:
        make_agent: makes the agent.
        backends: backends of leaves and roots; None for those of the session.
    """

    def __init__(self, make_agent: MakeAgent, backends: tuple[str, str] | None = None) -> None:
        self._troubles: list[str] = []
        self._make_agent = make_agent
        self._agent = make_agent(lambda event: self._troubles.append(str(event)), backends)

    def troubles(self) -> list[str]:
        """See `Planner.troubles`."""
        troubles = list(self._troubles)
        self._troubles.clear()
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

    @property
    def rivals(self) -> tuple[str, ...]:
        """See `Planner.rivals`."""
        return BACKENDS if PLAYS.keys() & {self.backend, self.root_backend} else ()

    def on(self, backend: str, root_backend: str = "auto") -> "AgentPlanner":
        """See `Planner.on`."""
        return AgentPlanner(self._make_agent, (backend, root_backend))

    def adopt(self, rival: "AgentPlanner") -> None:
        """See `Planner.adopt`."""
        self._agent.close()
        # With where its evaluators report, and what makes more of them.
        self._agent, self._make_agent = rival._agent, rival._make_agent
        self._troubles = rival._troubles

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
