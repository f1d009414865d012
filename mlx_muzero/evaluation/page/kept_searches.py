"""What an agent's searches found while it played, kept for a page that is to explain its fills."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlx_muzero.agent.agent import Agent
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.policy import SessionView
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.search.result import SearchResult, TreeTable
from mlx_muzero.types import I8, I64, Bool


class KeptSearches(SearchPolicy):
    """Plays as a `SearchPolicy` does, one backtest, and keeps the columns of `searched`.

    A search costs far more than its numbers take: to plan the decisions of a large model once more
    would take as long as playing did. Trees are not kept; outcomes of the next bar are those of
    decisions that change the exposure, since others fill nothing.

    Args:
        agent: plans.
        simulations: of each search.
        name: of the policy.
    """

    def __init__(self, agent: Agent, simulations: int, name: str = "search") -> None:
        super().__init__(agent, simulations, name)
        self._blocks: list[list[dict[str, Any]]] = []
        self._joined: dict[str, Any] = {}

    def reset(self, env: SessionView) -> None:
        """Keep what follows apart: these are other sessions."""
        self._blocks.append([])
        self._joined.clear()

    def search(self, env: SessionView) -> SearchResult:
        """What the search found."""
        result = super().search(env)
        self.keep(env, result)
        return result

    def keep(self, env: SessionView, result: SearchResult) -> None:
        """Keep what is told of the `result` of the search at the current decisions of `env`."""
        account, exposures = env.account_state, env.states.exposures
        after = env.states.next_state[account, result.action]
        fills = exposures[after] != exposures[account]
        chances = np.full((len(fills), len(OUTCOME_NAMES)), np.nan, np.float32)
        for root in np.flatnonzero(fills).tolist():
            tree = self._agent.tree(root, simulations=self._simulations)
            chances[root] = next_chances(tree, int(result.action[root]))
        self._blocks[-1].append(searched(result) | {"chances": chances, "explained": fills})

    @property
    def columns(self) -> Mapping[str, Any]:
        """The columns of `searched` and `chances`: by session as played, then by step."""
        if not self._joined and self._blocks:
            for name in self._blocks[0][0]:
                blocks = [np.stack([step[name] for step in b], axis=1) for b in self._blocks]
                self._joined[name] = np.concatenate(blocks)
        return self._joined

    def explains(self, session: I64, step: I64, taken: I8) -> Bool:
        """``bool[k]`` whether the decisions that took these actions are known whole."""
        columns = self.columns
        chose = columns["wanted"][session, step] == taken
        return np.asarray(chose & columns["explained"][session, step])


def searched(result: SearchResult) -> dict[str, Any]:
    """Columns of `mlx_muzero.evaluation.page.contents.Decisions` that a search says."""
    return {
        "wanted": result.action.astype(np.int8),
        "share": result.policy,
        "prior": result.prior,
        "q": np.where(np.isfinite(result.q) & _tried(result), result.q, np.float32(np.nan)),
        "value": result.value,
        "network_value": result.raw_value,
    }


def next_chances(tree: TreeTable, action: int) -> list[float]:
    """Probabilities of the outcomes of the next bar after `action`; NaN if it was not tried."""
    chances = [float("nan")] * len(OUTCOME_NAMES)
    after = np.flatnonzero((tree.parent == 0) & (tree.action_or_outcome == action))
    for row in np.flatnonzero(np.isin(tree.parent, after)).tolist():
        chances[tree.action_or_outcome[row]] = float(tree.probability[row])
    return chances


def _tried(result: SearchResult) -> Bool:
    """``bool[k, A]`` of which actions the search knows the worth."""
    visited = result.visits > 0
    return np.asarray(visited | ~visited.any(axis=1, keepdims=True))
