"""The result of a finished search."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.types import F32, F64, I8, I32


@dataclass(frozen=True)
class SearchStatistics:
    """How deep and wide each root was searched.

    An `InCore` evaluator computes a state's policy and a chance node's probabilities when they are
    first used, other evaluators compute all of them. An expectimax, which has no walks, has none.

    Attributes:
        max_depth: ``i32[B]`` deepest environment step reached by a simulation.
        mean_depth: ``f64[B]`` mean environment steps per simulation.
        leaves: ``i32[B]`` number of simulations that needed an evaluation.
        evaluations: ``i32[B]`` number of nodes evaluated (all_outcomes: C per leaf).
        policies: ``i32[B]`` number of states below the root whose policy was computed.
        policies_used: ``i32[B]`` number of those in which an action was chosen.
        chances: ``i32[B]`` number of chance nodes whose outcome probabilities were computed.
        chances_used: ``i32[B]`` number of those whose outcomes were chosen or averaged.
    """

    max_depth: I32
    mean_depth: F64
    leaves: I32
    evaluations: I32
    policies: I32
    policies_used: I32
    chances: I32
    chances_used: I32


@dataclass(frozen=True)
class SearchResult:
    """Root statistics of B finished searches.

    Attributes:
        visits: ``i32[B, A]`` simulations that started with the action; rows sum to num_simulations.
        value: ``f32[B]`` mean return of the root, its own evaluation included; clipped to the range
            of float32, as is `q`.
        q: ``f32[B, A]`` mean return of the action; 0 if it was never visited.
        prior: ``f32[B, A]`` root prior used in the search, after masking and Dirichlet noise.
        policy: ``f32[B, A]`` policy target: share of the visits, or for a Gumbel root the policy
            improved by completed Q.
        action: ``i32[B]`` greedy action: the most visited (the first on ties), or for a Gumbel root
            the winner of sequential halving.
        raw_value: ``f32[B]`` the network's value of the root.
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
        """``f32[B]`` mean return of `action`: the value of acting greedily.

        The root's `value` also includes the cost of trying the other actions.
        """
        return np.asarray(self.q[np.arange(len(self.action)), self.action], np.float32)

    @property
    def completed_q(self) -> F64:
        """``f64[B, A]`` `q`, and the root's value where an action was never visited.

        A search that reads nothing ahead visits no action, and its `q` is what it knows of all that
        are legal.
        """
        visited = self.visits > 0
        known = visited | ~visited.any(axis=1, keepdims=True)
        return np.where(known, self.q, self.value[:, None]).astype(np.float64)


@dataclass(frozen=True)
class TreeTable:
    """The tree of one root as columns, breadth first; NaN where a column does not apply.

    Attributes:
        node: ``i32[N]`` row number; 0 is the root.
        parent: ``i32[N]`` row of the parent; -1 for the root.
        kind: ``i8[N]`` 0 for a decision node, 1 for a chance node.
        action_or_outcome: ``i32[N]`` label of the edge from the parent: the action that leads to a
            chance node, or the outcome that leads to a decision node; -1 for the root.
        prior: ``f32[N]`` prior of a chance node's action.
        visits: ``i32[N]`` visit count; a decision node's own evaluation counts.
        value: ``f64[N]`` mean value of a decision node, Q of a chance node's action.
        reward: ``f32[N]`` reward on the edge to a decision node.
        depth: ``i32[N]`` environment steps from the root.
        probability: ``f32[N]`` probability of a decision node's outcome.
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
