"""Models whose heads say something: fresh ones begin at zero and so hide what feeds them."""

import mlx.core as mx

from mlx_muzero.networks.model import StochasticMuZero


def with_random_heads(model: StochasticMuZero) -> StochasticMuZero:
    """`model` with policy, value and reward heads drawn at random."""
    heads = (
        model.policy_network.logits,
        model.value_network.logits,
        model.dynamics_network.reward,
    )
    for number, head in enumerate(heads):
        head.weight = mx.random.normal(head.weight.shape, scale=0.1, key=mx.random.key(number))
    return model
