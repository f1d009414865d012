"""Makes up leaves for an evaluator, one for each of as many roots."""

import numpy as np

from mlx_muzero.config.choices import ExpansionMode
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search.evaluator import Leaves, SingleLeaves


def some_leaves(
    model: StochasticMuZero, expansion: ExpansionMode, count: int
) -> Leaves | SingleLeaves:
    """Make `count` leaves of the roots in slots 0 to `count` - 1; their successors follow.

    With "single_outcome", every second leaf is a chance node and the others are decision nodes.
    """
    root = np.arange(count, dtype=np.int32)
    action = root % np.int32(model.actions)
    if expansion == "all_outcomes":
        slot = count + np.arange(count * model.outcomes, dtype=np.int32)
        return Leaves(root, root, action, slot.reshape(count, model.outcomes))
    chance, decision = root[1::2], root[::2]
    return SingleLeaves(
        chance_tree=chance,
        chance_parent=chance,
        chance_action=action[1::2],
        tree=decision,
        parent=decision,
        action=action[::2],
        outcome=decision % np.int32(model.outcomes),
        slot=count + decision,
    )
