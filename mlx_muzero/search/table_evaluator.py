"""A network given as tables, for checking the search against other implementations."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mlx_muzero.errors import SearchError
from mlx_muzero.search.arrays import floats
from mlx_muzero.search.evaluator import Expansion, Leaves, SingleExpansion, SingleLeaves
from mlx_muzero.types import F32, I32, I64

NextNode = Callable[[I64, I64], npt.NDArray[np.integer]]
"""Returns the node at the end of an edge, for broadcastable arrays of nodes and edges."""


class TableEvaluator:
    """Looks up every output by a node's integer id; a latent is the id of a decision node.

    Decision nodes and chance nodes share one numbering, ``0 .. N - 1``. Edge ``a`` of a decision
    node is action a, edge ``A + c`` of a chance node is outcome c.

    Args:
        prior: ``f32[N, A]`` policy of each decision node (probabilities).
        value: ``f32[N]`` value of each node; for a chance node, its afterstate value.
        reward: ``f32[N]`` reward on the edge to each decision node.
        chance_logits: ``f32[N, C]`` logits of the outcomes of each chance node.
        next_node: node at the end of each edge: a table ``i64[N, A + C]`` or a function.

    Raises:
        SearchError: the tables have inconsistent shapes.
    """

    def __init__(
        self,
        prior: npt.ArrayLike,
        value: npt.ArrayLike,
        reward: npt.ArrayLike,
        chance_logits: npt.ArrayLike,
        next_node: npt.ArrayLike | NextNode,
    ) -> None:
        self._prior, self._value = floats("prior", prior), floats("value", value)
        self._reward, logits = floats("reward", reward), floats("chance_logits", chance_logits)
        shapes = [table.shape for table in (self._prior, self._value, self._reward, logits)]
        if [len(shape) for shape in shapes] != [2, 1, 1, 2] or len({s[0] for s in shapes}) != 1:
            raise SearchError(
                "prior, value, reward and chance_logits have shapes "
                f"{', '.join(map(str, shapes))}; wanted (N, A), (N,), (N,), (N, C)"
            )
        (self._num_nodes, self._num_actions), (_, self._num_outcomes) = shapes[0], shapes[3]
        self._next_node = next_node if callable(next_node) else self._function(next_node)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
        self._outcome_probs = np.asarray(
            weights / weights.sum(axis=1, keepdims=True), dtype=np.float32
        )
        self._pool: I64 = np.empty(0, np.int64)

    def prediction(self, node: npt.ArrayLike) -> tuple[F32, F32]:
        """Prior ``f32[n, A]`` and value ``f32[n]`` of decision nodes ``i64[n]``."""
        rows = np.asarray(node, np.int64)
        return self._prior[rows], self._value[rows]

    def reset(self, root_latents: npt.ArrayLike, root_slots: I32, capacity: int) -> None:
        """Start a search (see `Evaluator.reset`); a root's latent is its node's id."""
        self._pool = np.zeros(capacity, np.int64)
        self._pool[root_slots] = root_latents

    def expand(self, leaves: Leaves) -> Expansion:
        """Evaluate actions with all their outcomes (see `Evaluator.expand`)."""
        chance = self._follow(self._pool[leaves.parent], leaves.action)
        below = self._follow(chance[:, None], self._num_actions + np.arange(self._num_outcomes))
        self._pool[leaves.slot] = below
        prior, value = self.prediction(below)
        return Expansion(self._outcome_probs[chance], self._reward[below], value, prior)

    def expand_single(self, leaves: SingleLeaves) -> SingleExpansion:
        """Evaluate single chance and decision nodes (see `Evaluator.expand_single`)."""
        chance = self._follow(self._pool[leaves.chance_parent], leaves.chance_action)
        above = self._follow(self._pool[leaves.parent], leaves.action)
        below = self._follow(above, self._num_actions + leaves.outcome)
        self._pool[leaves.slot] = below
        prior, value = self.prediction(below)
        return SingleExpansion(
            self._outcome_probs[chance], self._value[chance], self._reward[below], value, prior
        )

    def _function(self, table: npt.ArrayLike) -> NextNode:
        nodes = np.asarray(table)
        wanted = (self._num_nodes, self._num_actions + self._num_outcomes)
        if nodes.shape != wanted or not np.issubdtype(nodes.dtype, np.integer):
            raise SearchError(
                f"next_node is {nodes.dtype} {nodes.shape}; wanted integers {wanted}, [N, A + C]"
            )
        return lambda node, edge: nodes[node, edge]

    def _follow(self, node: I64, edge: npt.ArrayLike) -> I64:
        reached = np.asarray(self._next_node(node, np.asarray(edge, np.int64)), np.int64)
        if ((reached < 0) | (reached >= self._num_nodes)).any():
            raise SearchError(f"next_node leads outside 0 .. {self._num_nodes - 1}")
        return reached
