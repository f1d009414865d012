"""With one certain outcome the search is ordinary MuZero (Schrittwieser et al. 2020)."""

import math

import numpy as np
import pytest

from examples import cases
from mlx_muzero.search import Expansion, Search, SearchParams
from mlx_muzero.search.evaluator import Leaves
from mlx_muzero.search.hash_evaluator import HashEvaluator

ACTIONS = 3


class CertainEvaluator(HashEvaluator):
    """Outcome 0 always happens."""

    def expand(self, leaves: Leaves) -> Expansion:
        expansion = super().expand(leaves)
        expansion.outcome_probs[:] = np.eye(1, expansion.outcome_probs.shape[1])
        return expansion


class Node:
    def __init__(self, state, network):
        prior, value = network.prediction(np.uint64([state]))
        weights = [float(w) for w in prior[0]]
        total = weights[0] + weights[1] + weights[2]
        self.state, self.prior = state, [float(np.float32(w / total)) for w in weights]
        self.visits, self.value = 1, float(value[0])
        self.children, self.rewards = {}, {}


def muzero_search(state, params, network):
    """Root visits of a deterministic MuZero search without a depth limit."""
    root = Node(state, network)
    for _ in range(params.num_simulations):
        node, path = root, []
        while True:
            untried = [a for a in range(ACTIONS) if node is root and a not in node.children]
            action = _pucb(node, params, untried or range(ACTIONS))
            path.append((node, action))
            if action not in node.children:
                break
            node = node.children[action]
        network.reset(np.uint64([node.state]), np.int32([0]), 2)
        one = np.int32([0])
        reward = network.expand(Leaves(one, one, np.int32([action]), np.int32([[1]]))).reward
        child = Node(network.state(1), network)
        node.children[action], node.rewards[action] = child, float(reward[0, 0])
        result = child.value
        for above, taken in reversed(path):
            result = above.rewards[taken] + params.discount * result
            above.value = (above.value * above.visits + result) / (above.visits + 1)
            above.visits += 1
    counts = [root.children[a].visits if a in root.children else 0 for a in range(ACTIONS)]
    return counts, root.value


def _pucb(node, params, actions):
    growth = math.log((node.visits + params.pb_c_base + 1) / params.pb_c_base)
    exploration = math.sqrt(node.visits) * (params.pb_c_init + growth)
    q = {a: node.rewards[a] + params.discount * c.value for a, c in node.children.items()}
    low, high = min([node.value, *q.values()]), max([node.value, *q.values()])

    def score(a):
        visits = node.children[a].visits if a in q else 0
        stretched = (q[a] - low) / max(high - low, 1e-8) if a in q else 0.0
        return stretched + node.prior[a] * exploration / (1.0 + visits)

    return max(actions, key=score)


@pytest.mark.parametrize("outcomes", cases(1, [3, 1]))
def test_certain_outcome_is_ordinary_muzero(outcomes):
    params = SearchParams(num_simulations=100, depth_limit=1000, discount=0.9)
    network = CertainEvaluator(ACTIONS, outcomes)
    states = np.arange(8, dtype=np.uint64)
    prior, value = network.prediction(states)
    search = Search(params, np.zeros((1, ACTIONS), np.int32), outcomes)
    result = search.run(network, states, prior, value, np.zeros(8, int), states, noise=False)
    for b, state in enumerate(states):
        counts, mean = muzero_search(state, params, HashEvaluator(ACTIONS, 1))
        assert result.visits[b].tolist() == counts
        assert result.value[b] == pytest.approx(mean, rel=1e-6)
