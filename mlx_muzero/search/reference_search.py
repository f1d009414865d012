"""Reference trees with the interface of `Search`: same leaves, same slots, same results."""

import math

import numpy as np
import numpy.typing as npt

from mlx_muzero.search.evaluator import Expansion, Leaves, SingleExpansion, SingleLeaves
from mlx_muzero.search.params import SearchParams
from mlx_muzero.search.reference import (
    Leaf,
    LeafEvaluation,
    ReferenceTree,
    normalize,
)
from mlx_muzero.search.reference_gumbel import gumbel_noise, improved_policy, winner
from mlx_muzero.search.reference_nodes import ChanceNode, DecisionNode
from mlx_muzero.search.result import SearchResult, SearchStatistics, TreeTable
from mlx_muzero.types import F32, I32, U64


class ReferenceSearch:
    """B reference trees with the interface of `Search`.

    Draws Gumbel noise from seeds, but not Dirichlet noise: pass the noised priors of another
    search's result.
    """

    def __init__(
        self, params: SearchParams, next_position: npt.ArrayLike, num_outcomes: int
    ) -> None:
        self.params = params
        self._next_position: list[list[int]] = np.asarray(next_position).tolist()
        self._num_outcomes = num_outcomes
        per_simulation = num_outcomes if params.expansion == "all_outcomes" else 1
        self._slots_per_tree = 1 + params.num_simulations * per_simulation
        self._trees: list[ReferenceTree] = []

    def reset(
        self,
        prior: F32,
        value: F32,
        position: I32,
        noised_prior: F32 | None = None,
        gumbel_seed: U64 | None = None,
    ) -> None:
        """Start a search from B roots; arguments as in `Search.reset`."""
        self._trees = []
        actions = prior.shape[1]
        for b in range(len(value)):
            slot = b * self._slots_per_tree
            root = DecisionNode(slot, int(position[b]), 0, float(value[b]), [])
            gumbel = (
                [0.0] * actions
                if gumbel_seed is None
                else gumbel_noise(int(gumbel_seed[b]), actions)
            )
            tree = ReferenceTree(self.params, self._next_position, self._num_outcomes, root, gumbel)
            root.prior = (
                normalize(prior[b].tolist(), tree.allowed(root.position, at_root=True))
                if noised_prior is None
                else noised_prior[b].tolist()
            )
            self._trees.append(tree)

    def root_slots(self) -> I32:
        """``i32[B]`` slots of the roots' latents."""
        return np.array([tree.root.slot for tree in self._trees], np.int32)

    @property
    def capacity(self) -> int:
        """Number of slots the current search may use."""
        return len(self._trees) * self._slots_per_tree

    def select(self) -> Leaves | SingleLeaves | None:
        """The leaves to evaluate, in the order of their roots; None when all roots are done."""
        for one in self._trees:
            one.select()
        waiting = self._waiting()
        if not waiting:
            return None
        actions = [(b, leaf) for b, leaf in waiting if leaf.outcome is None]
        outcomes = [(b, leaf) for b, leaf in waiting if leaf.outcome is not None]
        tree, parent, action, _ = _columns(actions)
        if self.params.expansion == "all_outcomes":
            slots = [leaf.successors for _, leaf in actions]
            return Leaves(tree, parent, action, np.array(slots, np.int32))
        slot = np.array([leaf.successors[0] for _, leaf in outcomes], np.int32)
        return SingleLeaves(tree, parent, action, *_columns(outcomes), slot)

    def backup(self, expansion: Expansion | SingleExpansion) -> None:
        """Apply the evaluations of the last leaves."""
        action_row = outcome_row = 0
        for b, leaf in self._waiting():
            if leaf.outcome is None:
                evaluation = _action_evaluation(expansion, action_row)
                action_row += 1
            else:
                evaluation = LeafEvaluation(
                    [],
                    0.0,
                    [float(expansion.reward[outcome_row])],
                    [float(expansion.value[outcome_row])],
                    [expansion.prior[outcome_row].tolist()],
                )
                outcome_row += 1
            self._trees[b].take(leaf, evaluation)
        for tree in self._trees:
            tree.leaves.clear()

    def _waiting(self) -> list[tuple[int, Leaf]]:
        """Waiting leaves with the index of their root, in order."""
        return [(b, leaf) for b, tree in enumerate(self._trees) for leaf in tree.leaves]

    def result(self) -> SearchResult:
        """Root statistics, as returned by `Search.result`."""
        trees, actions = self._trees, range(len(self._next_position[0]))
        chances = [[tree.root.chances.get(a) for a in actions] for tree in trees]
        return SearchResult(
            visits=np.array([[c.visits if c else 0 for c in row] for row in chances], np.int32),
            value=_saturated([tree.root.value for tree in trees]),
            q=_saturated([[c.value if c else 0.0 for c in row] for row in chances]),
            prior=np.array([tree.root.prior for tree in trees], np.float32),
            policy=np.array([self._policy(tree) for tree in trees], np.float32),
            action=np.array([self._action(tree) for tree in trees], np.int32),
            raw_value=np.array([tree.root.network_value for tree in trees], np.float32),
            statistics=SearchStatistics(
                max_depth=np.array([max(tree.depths) for tree in trees], np.int32),
                mean_depth=np.array([sum(tree.depths) / len(tree.depths) for tree in trees]),
                leaves=np.array([tree.expanded for tree in trees], np.int32),
                evaluations=np.array([tree.evaluations for tree in trees], np.int32),
                **_distributions(trees),
            ),
        )

    def _policy(self, tree: ReferenceTree) -> list[float]:
        root, actions = tree.root, range(len(self._next_position[0]))
        if self.params.root == "gumbel":
            policy = improved_policy(root, tree.allowed(root.position, at_root=True))
            return [policy.get(action, 0.0) for action in actions]
        return [root.visits_of(action) / self.params.num_simulations for action in actions]

    def _action(self, tree: ReferenceTree) -> int:
        root = tree.root
        if self.params.root == "gumbel":
            return winner(root, tree.allowed(root.position, at_root=True), tree.gumbel)
        return max(range(len(self._next_position[0])), key=root.visits_of)

    def tree(self, root: int) -> TreeTable:
        """The tree of `root`, as returned by `Search.tree`."""
        nan = math.nan
        tree = self._trees[root].root
        nodes: list[tuple[DecisionNode | ChanceNode, int]] = [(tree, 0)]
        rows = [(0, -1, 0, -1, nan, tree.visits, tree.value, nan, 0, nan)]
        for parent, (node, depth) in enumerate(nodes):
            if isinstance(node, DecisionNode):
                for action, chance in sorted(node.chances.items()):
                    prior, stats = node.prior[action], (chance.visits, chance.value)
                    rows.append((len(rows), parent, 1, action, prior, *stats, nan, depth, nan))
                    nodes.append((chance, depth))
            else:
                for outcome, child in sorted(node.children.items()):
                    stats, reward = (child.visits, child.value), node.rewards[outcome]
                    edge = (reward, depth + 1, node.outcome_probs[outcome])
                    rows.append((len(rows), parent, 0, outcome, nan, *stats, *edge))
                    nodes.append((child, depth + 1))
        i32, f32 = np.int32, np.float32
        dtypes = (i32, i32, np.int8, i32, f32, i32, np.float64, f32, i32, f32)
        columns = zip(*rows, strict=True)
        return TreeTable(*(np.array(c, t) for c, t in zip(columns, dtypes, strict=True)))


def _distributions(trees: list[ReferenceTree]) -> dict[str, I32]:
    """How many there are below the roots, and how many were used: each by an edge at least."""
    counts = []
    for tree in trees:
        states, chances = [tree.root], list[ChanceNode]()
        for state in states:
            for chance in state.chances.values():
                chances.append(chance)
                states += chance.children.values()
        below = states[1:]
        used = sum(bool(state.chances) for state in below)
        counts.append((len(below), used, len(chances), sum(bool(c.children) for c in chances)))
    names = ("policies", "policies_used", "chances", "chances_used")
    columns = np.array(counts, np.int32).T
    return dict(zip(names, columns, strict=True))


def _action_evaluation(expansion: Expansion | SingleExpansion, row: int) -> LeafEvaluation:
    probs = expansion.outcome_probs[row].tolist()
    if isinstance(expansion, SingleExpansion):
        return LeafEvaluation(probs, float(expansion.afterstate_value[row]), [], [], [])
    reward, value = expansion.reward[row].tolist(), expansion.value[row].tolist()
    return LeafEvaluation(probs, 0.0, reward, value, expansion.prior[row].tolist())


def _saturated(values: npt.ArrayLike) -> F32:
    limits = np.finfo(np.float32)
    return np.clip(values, limits.min, limits.max).astype(np.float32)


def _columns(leaves: list[tuple[int, Leaf]]) -> tuple[I32, I32, I32, I32]:
    """Tree, parent slot, action and outcome (-1 if none) of each leaf."""
    rows = [
        (b, leaf.node.slot, leaf.action, -1 if leaf.outcome is None else leaf.outcome)
        for b, leaf in leaves
    ]
    table = np.array(rows, np.int32).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3]
