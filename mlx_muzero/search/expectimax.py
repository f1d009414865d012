"""The exact expectation over everything an account can do to a depth (Michie 1966, expectimax).

The market is the same whatever the account does, so one tree of market states serves all actions
and account states: C outcomes to depth d are C + C^2 + ... + C^d evaluations. Rewards are moves
times exposures less costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlx_muzero.search.terms import Terms
from mlx_muzero.types import F32, F64, I64


@dataclass(frozen=True, eq=False)
class MarketLayer:
    """The market states of one depth, ``n = B * C**depth`` rows; outcomes of a state are adjacent.

    Attributes:
        outcome_probs: ``f32[n, C]`` probabilities of the outcomes that follow.
        move: ``f32[n, C]`` pips from one fill to the next, if that outcome follows.
    """

    outcome_probs: F32
    move: F32


def expectimax(
    layers: Sequence[MarketLayer],
    leaf_worth: F64,
    terms: Terms,
    condition: I64,
    discount: float,
) -> list[F64]:
    """``f64[n, S]`` worth of each account state, in the market states of every depth.

    Args:
        layers: inner states, from the roots (depth 0) to depth d - 1.
        leaf_worth: ``f64[n, S]`` worth of account states in the market states of depth d.
        terms: account states, costs and limits.
        condition: ``i64[B, d + 1]`` of the terms that is in force at each depth, by root.
        discount: of a bar.

    Returns:
        d + 1 arrays, the roots' first.
    """
    worth = [leaf_worth]
    for depth in reversed(range(len(layers))):
        layer = layers[depth]
        later = terms.best(worth[0], condition[:, depth + 1])
        held = terms.held(layer.move, condition[:, depth])
        earned = held + discount * later.reshape(held.shape)
        probs = layer.outcome_probs.astype(np.float64)
        worth.insert(0, np.einsum("nc,ncp->np", probs / probs.sum(axis=1, keepdims=True), earned))
    return worth


def depth_within(evaluations: int, outcomes: int, limit: int) -> int:
    """The greatest depth, at most `limit`, whose tree evaluates at most so many states a root."""
    depth, states = 0, outcomes
    while depth < limit and states <= evaluations:
        depth += 1
        states += outcomes ** (depth + 1)
    return depth
