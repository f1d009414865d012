"""The programs: whole search steps as operations.

Written for the Neural Engine: every tensor has rank 4, every product with weights is a convolution,
the rows are the last axis, and nothing is gathered, looked up or resized at run time. A sequence is
an image ``(1, channels, n, W)``, a latent ``(1, channels, 1, n)``. A whole search step is one
program, because Apple's frameworks leave small programs to the CPU.
"""

from collections.abc import Callable
from typing import TypeAlias

from mlx_muzero.exports.graphs.encoders import encoded
from mlx_muzero.exports.graphs.layers import Layers
from mlx_muzero.exports.graphs.market_programs import MarketPrograms
from mlx_muzero.exports.graphs.operations import Operations, Var
from mlx_muzero.exports.interface import ExportSizes, ProgramName
from mlx_muzero.exports.manifest import LayerNorm
from mlx_muzero.exports.market_networks import MarketNetworks
from mlx_muzero.exports.networks import Networks, Representation

AnyNetworks: TypeAlias = Networks | MarketNetworks
"""The layers of a model of either kind."""


def computation(
    name: ProgramName,
    networks: AnyNetworks,
    sizes: ExportSizes,
    ops: Operations,
    layer_norm: LayerNorm,
) -> Callable[..., dict[str, Var]]:
    """What a program computes: from its inputs, in the order of `interface`, outputs by name."""
    layers = Layers(ops, layer_norm)
    programs: MarketPrograms | _Programs
    if isinstance(networks, MarketNetworks):
        programs = MarketPrograms(networks, sizes, layers)
    else:
        programs = _Programs(networks, sizes, layers)
    compute = getattr(programs, name)

    def run(*inputs: Var) -> dict[str, Var]:
        values = compute(*map(ops.entered, inputs))
        return {output: ops.output(output, value) for output, value in values.items()}

    return run


class _Programs:
    """The computations of the programs: outputs by name."""

    def __init__(self, networks: Networks, sizes: ExportSizes, layers: Layers) -> None:
        self._networks = networks
        self._sizes = sizes
        self._layers = layers

    def initial(self, observation: Var) -> dict[str, Var]:
        """Compute the root inference."""
        latent = self._representation(observation, self._networks.representation)
        return {"latent": latent, **self._prediction(latent)}

    def recurrent(self, latent: Var, action: Var) -> dict[str, Var]:
        """Compute the outcomes of an action and all its successors."""
        body = self._networks.dynamics.body
        projected = self._layers.every_condition(
            self._layers.joined(latent, action), body.projection, self._sizes.outcomes
        )
        h = self._layers.tower(projected, body.tower)
        return {**self._outcomes(latent, action), **self._successor(h)}

    def afterstate(self, latent: Var, action: Var) -> dict[str, Var]:
        """Compute the outcomes of an action and the value of the state after it."""
        body, norm = self._networks.afterstate
        afterstate = self._layers.norm(self._layers.conditioned(body, latent, action), norm)
        return {**self._outcomes(latent, action), **self._value(afterstate)}

    def dynamics(self, latent: Var, action: Var, outcome: Var) -> dict[str, Var]:
        """Compute the successor of an action for one outcome."""
        body = self._networks.dynamics.body
        return self._successor(self._layers.conditioned(body, latent, action, outcome))

    def _successor(self, h: Var) -> dict[str, Var]:
        dynamics = self._networks.dynamics
        latent = self._layers.norm(self._layers.linear(h, dynamics.next_latent), dynamics.norm)
        reward = self._layers.linear(h, dynamics.reward)
        return {"next_latent": latent, "reward": reward, **self._prediction(latent)}

    def _prediction(self, latent: Var) -> dict[str, Var]:
        policy_logits = self._layers.head(latent, self._networks.policy)
        return {"policy_logits": policy_logits, **self._value(latent)}

    def _value(self, latent: Var) -> dict[str, Var]:
        return {"value_logits": self._layers.head(latent, self._networks.value)}

    def _outcomes(self, latent: Var, action: Var) -> dict[str, Var]:
        body, logits = self._networks.outcome
        h = self._layers.conditioned(body, latent, action)
        return {"outcome_logits": self._layers.linear(h, logits)}

    def _representation(self, observation: Var, network: Representation) -> Var:
        """Map (1, F, n, W) to (1, D, 1, n)."""
        layers, ops = self._layers, self._layers.ops
        observation = layers.observation_norm(observation, network.observation_norm)
        x = encoded(layers, observation, network.encoder)
        attention = ops.softmax(layers.linear(x, network.attention), axis=3)
        pooled = ops.reduce_sum(ops.mul(x, attention), axis=3)
        last = ops.part(observation, 3, self._sizes.window_bars - 1)
        columns = ops.transpose(layers.joined(pooled, last), (0, 1, 3, 2))
        h = layers.norm(layers.linear(columns, network.projection), network.norm)
        return layers.tower(ops.relu(h), network.tower)
