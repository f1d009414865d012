"""The trained agent as backtest policies: with search, and the raw network without it."""

import numpy as np

from mlx_muzero import rng
from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.moment import Moment, moment_of
from mlx_muzero.evaluation.policy import SessionView, Weighed
from mlx_muzero.search.result import SearchResult
from mlx_muzero.types import F32, I32, I64

AGENT = "agent (search)"
"""What reports and the ledger call a run's agent as it plays."""


class SearchPolicy:
    """Plays the action chosen by a search without root noise."""

    def __init__(self, agent: Agent, simulations: int, name: str = "search") -> None:
        self.name = name
        self._agent = agent
        self._simulations = simulations

    def reset(self, env: SessionView) -> None:
        """Does nothing: no state is kept between steps."""

    def act(self, env: SessionView) -> I32:
        """Actions ``i32[B]``."""
        return self.search(env).action

    def weigh(self, env: SessionView) -> Weighed:
        """Actions by what the search found them to be worth."""
        result = self.search(env)
        return Weighed(result.action, result.completed_q)

    def search(self, env: SessionView) -> SearchResult:
        """What the search found."""
        found = env.observe(), env.account_state, env.bar, moment_of(env)
        return planned(self._agent, self._simulations, *found)


def planned(
    agent: Agent, simulations: int, observation: F32, account: I32, bar: I64, moment: Moment
) -> SearchResult:
    """What `agent` finds wherever it is judged: without root noise, each bar with its own seed.

    Args:
        agent: the agent.
        simulations: of each search.
        observation: ``f32[B, W, F]``.
        account: ``i32[B]`` states of the accounts.
        bar: ``i64[B]`` last known bars.
        moment: of the decisions.
    """
    return agent.plan(
        observation,
        account,
        rng.key(0, rng.Stream.SEARCH, bar),
        simulations=simulations,
        noise=False,
        moment=moment,
    )


class NetworkPolicy:
    """Plays the most probable legal action of the policy network, without search."""

    def __init__(self, agent: Agent, name: str = "raw network") -> None:
        self.name = name
        self._agent = agent

    def reset(self, env: SessionView) -> None:
        """Does nothing: no state is kept between steps."""

    def act(self, env: SessionView) -> I32:
        """Actions ``i32[B]``."""
        return self._agent.network_action(env.observe(), env.account_state, moment_of(env))

    def weigh(self, env: SessionView) -> Weighed:
        """Actions by what the networks alone make of them."""
        weight = self._agent.network_weights(env.observe(), env.account_state, moment_of(env))
        return Weighed(weight.argmax(axis=1).astype(np.int32), weight)
