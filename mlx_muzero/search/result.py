"""What a finished search tells."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.types import F32, F64, I8, I32


@dataclass(frozen=True)
class SearchStatistics:
    """How far each root was searched.

    Attributes:
        max_depth: [B] int32, deepest environment step a simulation reached.
        mean_depth: [B] float64, environment steps of a simulation on average.
        leaves: [B] int32, simulations that needed an evaluation.
        evaluations: [B] int32, nodes evaluated (all_outcomes: C per leaf).
    """

    max_depth: I32
    mean_depth: F64
    leaves: I32
    evaluations: I32


@dataclass(frozen=True)
class SearchResult:
    """Root statistics of B finished searches.

    Attributes:
        visits: [B, A] int32, simulations that began with the action; rows sum to num_simulations.
        value: [B] float32, mean return of the root, its own evaluation included; like q held
            within what a float32 can hold.
        q: [B, A] float32, mean return of the action; 0 where it was never visited.
        prior: [B, A] float32, root prior the search used: after mask and Dirichlet noise.
        policy: [B, A] float32, the policy target: share of the visits, or for a Gumbel root the
            policy improved by completed Q.
        action: [B] int32, what to play greedily: the most visited action (the first on ties), or
            for a Gumbel root the winner of its sequential halving.
        raw_value: [B] float32, the network's value of the root.
        statistics: how far the roots were searched.
    """

    visits: I32
    value: F32
    q: F32
    prior: F32
    policy: F32
    action: I32
    raw_value: F32
    statistics: SearchStatistics

    @property
    def greedy_value(self) -> F32:
        """[B] float32, mean return of `action`: what playing greedily is worth.

        The root's `value` also counts what the other actions cost to try.
        """
        return np.asarray(self.q[np.arange(len(self.action)), self.action], np.float32)


@dataclass(frozen=True)
class TreeTable:
    """One root's tree as columns [N], breadth first; NaN where a column does not apply.

    Attributes:
        node: int32, row number; 0 is the root.
        parent: int32, row of the parent; -1 for the root.
        kind: int8, 0 decision node, 1 chance node.
        action_or_outcome: int32, on the edge from the parent: the action that leads to a chance
            node, the outcome that leads to a decision node; -1 for the root.
        prior: float32, of a chance node's action.
        visits: int32, N; a decision node's own evaluation counts.
        value: float64, mean value of a decision node, Q of a chance node's action.
        reward: float32, on the edge to a decision node.
        depth: int32, environment steps from the root.
        probability: float32, of a decision node's outcome.
    """

    node: I32
    parent: I32
    kind: I8
    action_or_outcome: I32
    prior: F32
    visits: I32
    value: F64
    reward: F32
    depth: I32
    probability: F32
