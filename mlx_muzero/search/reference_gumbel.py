"""The Gumbel rules in plain Python (Danihelka et al. 2022); see cpp/search/gumbel.h."""

import math
from collections.abc import Sequence

import numpy as np

from mlx_muzero.rng import mix, uniform
from mlx_muzero.search.reference_nodes import DecisionNode

VISIT_OFFSET = 50.0
VALUE_SCALE = 0.1
LEAST_PRIOR = float(np.finfo(np.float32).smallest_normal)


def gumbel_noise(seed: int, actions: int) -> list[float]:
    """Standard Gumbel noise; number a is keyed by `seed` and counter a."""
    keys = mix(np.uint64(seed) ^ mix(np.arange(actions)))
    return [-math.log(max(-math.log(1.0 - u), 2.0**-53)) for u in uniform(keys).tolist()]


def considered_visits(considered: int, simulations: int) -> list[int]:
    """For each simulation of sequential halving, the visits an action needs to be considered."""
    if considered == 1:
        return list(range(simulations))
    sequence, visits = list[int](), [0] * considered
    halvings = math.ceil(math.log2(considered))
    while len(sequence) < simulations:
        for _ in range(max(1, simulations // (halvings * len(visits)))):
            sequence += visits
            visits = [count + 1 for count in visits]
        visits = visits[: max(2, len(visits) // 2)]
    return sequence[:simulations]


def select_root(
    node: DecisionNode, actions: Sequence[int], gumbel: list[float], considered_visit: int
) -> int:
    """The best action by Gumbel noise, prior and Q among those visited `considered_visit` times."""
    logits = _improved_logits(node, actions)
    considered = [action for action in actions if node.visits_of(action) == considered_visit]
    return max(considered, key=lambda action: gumbel[action] + logits[action])


def winner(node: DecisionNode, actions: Sequence[int], gumbel: list[float]) -> int:
    """The action that wins sequential halving."""
    return select_root(node, actions, gumbel, max(map(node.visits_of, actions)))


def select_interior(node: DecisionNode, actions: Sequence[int]) -> int:
    """The action whose visits lag furthest behind the improved policy."""
    policy = improved_policy(node, actions)
    total = 1.0 + sum(map(node.visits_of, actions))
    return max(actions, key=lambda action: policy[action] - node.visits_of(action) / total)


def improved_policy(node: DecisionNode, actions: Sequence[int]) -> dict[int, float]:
    """Softmax over `actions` of log prior plus transformed completed Q."""
    logits = _improved_logits(node, actions)
    largest, total = max(logits.values()), 0.0
    weights = {action: math.exp(logit - largest) for action, logit in logits.items()}
    for action in actions:
        total += weights[action]
    return {action: weight / total for action, weight in weights.items()}


def _improved_logits(node: DecisionNode, actions: Sequence[int]) -> dict[int, float]:
    mixed, chances = _mixed_value(node), node.chances
    q = {action: chances[action].value if action in chances else mixed for action in actions}
    low, spread = min(q.values()), max(max(q.values()) - min(q.values()), 1e-8)
    most = max((chance.visits for chance in chances.values()), default=0)
    return {
        action: math.log(_prior(node, action))
        + (VISIT_OFFSET + most) * VALUE_SCALE * ((q[action] - low) / spread)
        for action in actions
    }


def _mixed_value(node: DecisionNode) -> float:
    """The network's value mixed with the prior-weighted Q of the expanded actions."""
    visits = weight = weighted = 0.0
    for action, chance in sorted(node.chances.items()):
        visits += chance.visits
        weight += _prior(node, action)
        weighted += _prior(node, action) * chance.value
    if weight == 0.0:
        return node.network_value
    return (node.network_value + visits * (weighted / weight)) / (visits + 1.0)


def _prior(node: DecisionNode, action: int) -> float:
    return max(node.prior[action], LEAST_PRIOR)
