"""A reference implementation of the search in plain Python: slow, short and easy to verify.

`ReferenceTree` takes the same steps as the C++ core, in the same precision and order of operations,
so that the two agree node for node. The rules are those of ADR 18; where the two differ, one of
them is wrong. `mlx_muzero.search.reference_search` batches the trees.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from mlx_muzero.search import reference_gumbel
from mlx_muzero.search.params import SearchParams
from mlx_muzero.search.reference_nodes import ChanceNode, DecisionNode

Step = tuple[DecisionNode, int, int]  # decision node, action, outcome


@dataclass
class Leaf:
    """The evaluation a simulation waits for: of a new action or (single_outcome) a new outcome."""

    node: DecisionNode
    action: int
    outcome: int | None
    path: list[Step]  # to the leaf, including its own outcome if any
    successors: list[int] = field(default_factory=list)  # slots of the new decision nodes

    def is_like(self, other: "Leaf") -> bool:
        """Whether both wait for the same evaluation."""
        edge = (self.action, self.outcome)
        return self.node is other.node and edge == (other.action, other.outcome)


@dataclass
class LeafEvaluation:
    """The network's evaluation of a leaf: one entry per successor; outcomes only for an action."""

    outcome_probs: list[float]
    afterstate_value: float
    rewards: list[float]
    values: list[float]
    priors: list[list[float]]


class ReferenceTree:
    """The tree of one root: `select` finds leaves, `take` applies their evaluations."""

    def __init__(
        self,
        params: SearchParams,
        next_position: list[list[int]],
        num_outcomes: int,
        root: DecisionNode,
        gumbel: list[float],
    ) -> None:
        self.params = params
        self.root = root
        self.gumbel = gumbel
        self.leaves: list[Leaf] = []
        self.depths: list[int] = []
        self.expanded = 0
        self.evaluations = 0
        self._mctx = params.compatibility == "mctx"
        self._edge_limit = params.depth_limit * (1 if self._mctx else 2)
        self._next_position = next_position
        self._num_outcomes = num_outcomes
        self._next_slot = root.slot + 1

    def select(self) -> None:
        """Descend until enough `leaves` wait, counting each as visited meanwhile."""
        room = self.params.leaves_per_step
        if room > 1 and not self.depths:
            room = max(room, len(self.root.prior))
        slot = self._next_slot
        while len(self.leaves) < room:
            if len(self.depths) + len(self.leaves) == self.params.num_simulations:
                break
            leaf = self._walk()
            if leaf is None:
                continue
            if any(leaf.is_like(other) for other in self.leaves):
                break
            if self.params.expansion == "all_outcomes":
                leaf.successors = list(range(slot, slot + self._num_outcomes))
            elif leaf.outcome is not None:
                leaf.successors = [slot]
            slot += len(leaf.successors)
            self.leaves.append(leaf)
            _count_waiting(leaf, 1)
        for leaf in self.leaves:
            _count_waiting(leaf, -1)

    def _walk(self) -> Leaf | None:
        """The next leaf, or None if the descent ended at the depth limit."""
        node, path = self.root, list[Step]()
        while 2 * node.depth < self._edge_limit:
            action = self._select_action(node)
            if action not in node.chances:
                return Leaf(node, action, None, path)
            chance = node.chances[action]
            if 2 * node.depth + 1 >= self._edge_limit:
                self._stop(path, node, chance)
                return None
            outcome = _select_outcome(chance)
            path.append((node, action, outcome))
            if outcome not in chance.children:
                return Leaf(node, action, outcome, path)
            node = chance.children[outcome]
        self._stop(path, node, None)
        return None

    def _stop(self, path: list[Step], node: DecisionNode, chance: ChanceNode | None) -> None:
        for leaf in self.leaves:
            _count_waiting(leaf, -1)
        if chance is None:
            node.visits += 1
            result = node.value
        else:
            chance.visits += 1
            result = chance.value
            node.add(result)
        self.depths.append(node.depth)
        self._back_up(path, result)
        for leaf in self.leaves:
            _count_waiting(leaf, 1)

    def _select_action(self, node: DecisionNode) -> int:
        actions = self.allowed(node.position, node is self.root)
        if self.params.root == "puct":
            return self._select_puct(node, actions)
        if node is not self.root:
            return reference_gumbel.select_interior(node, actions)
        considered = min(self.params.max_num_considered_actions, len(actions))
        sequence = reference_gumbel.considered_visits(considered, self.params.num_simulations)
        return reference_gumbel.select_root(node, actions, self.gumbel, sequence[node.visits - 1])

    def _select_puct(self, node: DecisionNode, actions: list[int]) -> int:
        params = self.params
        growth = math.log((node.visits + params.pb_c_base + 1.0) / params.pb_c_base)
        exploration = math.sqrt(node.visits) * (params.pb_c_init + growth)
        values = [node.value, *(chance.value for chance in node.chances.values())]
        low, spread = min(values), max(max(values) - min(values), 1e-8)

        def score(action: int) -> float:
            chance = node.chances.get(action)
            q = (chance.value - low) / spread if chance else 0.0
            return q + node.prior[action] * exploration / (1.0 + node.visits_of(action))

        if node is self.root and not self._mctx:
            untried = [action for action in actions if not node.visits_of(action)]
            actions = untried or actions
        return max(actions, key=score)

    def allowed(self, position: int, at_root: bool) -> list[int]:
        """The actions that may be selected, in ascending order."""
        following = self._next_position[position]
        masked = self.params.legal_actions == "tree" or (
            at_root and self.params.legal_actions == "root"
        )
        return [action for action, after in enumerate(following) if after >= 0 or not masked]

    def take(self, leaf: Leaf, evaluation: LeafEvaluation) -> None:
        """Expand a leaf and back up its simulation."""
        if leaf.outcome is None:
            result = self._expand_action(leaf.node, leaf.action, evaluation)
        else:
            self._add_successor(leaf.node, leaf.action, leaf.outcome, evaluation, 0)
            result = evaluation.values[0]
            self._count_leaf(leaf.node.depth + 1, 1)
        self._back_up(leaf.path, result)

    def _expand_action(self, node: DecisionNode, action: int, evaluation: LeafEvaluation) -> float:
        all_outcomes = self.params.expansion == "all_outcomes"
        outcomes = range(self._num_outcomes) if all_outcomes else range(0)
        chance = ChanceNode(
            normalize(evaluation.outcome_probs),
            [0] * self._num_outcomes,
            evaluation.afterstate_value,
        )
        node.chances[action] = chance
        for outcome in outcomes:
            self._add_successor(node, action, outcome, evaluation, outcome)
        if all_outcomes:
            chance.value = chance.expected_return(self.params.discount, {})
        node.add(chance.value)
        self._count_leaf(node.depth + all_outcomes, max(len(outcomes), 1))
        return chance.value

    def _add_successor(
        self, above: DecisionNode, action: int, outcome: int, evaluation: LeafEvaluation, row: int
    ) -> None:
        after = self._next_position[above.position][action]
        position = after if after >= 0 else above.position
        prior = normalize(evaluation.priors[row], self.allowed(position, at_root=False))
        chance = above.chances[action]
        chance.rewards[outcome] = evaluation.rewards[row]
        chance.children[outcome] = DecisionNode(
            self._next_slot, position, above.depth + 1, evaluation.values[row], prior
        )
        self._next_slot += 1

    def _count_leaf(self, depth: int, evaluations: int) -> None:
        self.depths.append(depth)
        self.expanded += 1
        self.evaluations += evaluations

    def _back_up(self, path: list[Step], result: float) -> None:
        """Propagate the return from below the path's last outcome to the root."""
        discount = self.params.discount
        for node, action, outcome in reversed(path):
            chance = node.chances[action]
            chance.traversals[outcome] += 1
            if self.params.expansion == "all_outcomes":
                result = chance.expected_return(discount, {outcome: result})
                chance.value = chance.expected_return(discount, {})
            else:
                result = chance.rewards[outcome] + discount * result
                chance.value = (chance.value * chance.visits + result) / (chance.visits + 1)
            chance.visits += 1
            node.add(result)


def _count_waiting(leaf: Leaf, by: int) -> None:
    for node, action, outcome in leaf.path:
        node.visits += by
        node.chances[action].visits += by
        node.chances[action].traversals[outcome] += by
    if leaf.outcome is None:
        leaf.node.visits += by
        leaf.node.waiting ^= {leaf.action}


def _select_outcome(chance: ChanceNode) -> int:
    def score(outcome: int) -> float:
        return chance.outcome_probs[outcome] / (chance.traversals[outcome] + 1.0)

    return max(range(len(chance.outcome_probs)), key=score)


def normalize(weights: list[float], allowed: list[int] | None = None) -> list[float]:
    """Weights normalized over `allowed`, as float32; uniform if all are zero."""
    chosen = range(len(weights)) if allowed is None else allowed
    total = 0.0  # not sum(), which compensates for rounding from Python 3.12 on
    for index in chosen:
        total += weights[index]
    shares = [0.0] * len(weights)
    for index in chosen:
        shares[index] = _float32(weights[index] / total if total > 0.0 else 1.0 / len(chosen))
    return shares


def _float32(number: float) -> float:
    return float(np.float32(number))
