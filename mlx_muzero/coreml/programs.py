"""The programs in Core ML's intermediate language (MIL).

Written for the Neural Engine: every tensor has rank 4, every product with weights is a convolution,
the rows are the last axis, and nothing is gathered, looked up or resized at run time. A sequence is
an image ``(1, channels, n, W)``, a latent ``(1, channels, 1, n)``. A whole search step is one
program, because Core ML leaves small programs to the CPU.
"""

from collections.abc import Callable
from typing import TypeAlias

from mlx_muzero.coreml.market_programs import MarketPrograms
from mlx_muzero.coreml.mil_encoders import encoded
from mlx_muzero.coreml.mil_layers import MilLayers, Var, joined
from mlx_muzero.coreml.toolkit import TARGET, mb
from mlx_muzero.exports.interface import ExportSizes, ProgramName, input_shapes, output_shapes
from mlx_muzero.exports.manifest import LayerNorm, Precision
from mlx_muzero.exports.market_networks import MarketNetworks
from mlx_muzero.exports.networks import Networks, Representation

AnyNetworks: TypeAlias = Networks | MarketNetworks
"""The layers of a model of either kind."""


def build(
    name: ProgramName,
    networks: AnyNetworks,
    sizes: ExportSizes,
    rows: int,
    precision: Precision,
    layer_norm: LayerNorm,
) -> Var:
    """Build a MIL program with the inputs and outputs of `mlx_muzero.exports.interface`.

    Build it anew for each conversion, which changes it.
    """
    layers = MilLayers(precision, layer_norm)
    if isinstance(networks, MarketNetworks):
        compute = getattr(MarketPrograms(networks, sizes, layers), name)
    else:
        compute = getattr(_Programs(networks, sizes, layers), name)

    def outputs(*inputs: Var) -> tuple[Var, ...]:
        values = compute(*map(layers.entered, inputs))
        names = output_shapes(name, sizes, rows)
        return tuple(layers.output(output, values[output]) for output in names)

    # MIL names a program's inputs after the function's arguments.
    bodies: dict[tuple[str, ...], Callable[..., tuple[Var, ...]]] = {
        ("observation",): lambda observation: outputs(observation),
        ("latent",): lambda latent: outputs(latent),
        ("latent", "action"): lambda latent, action: outputs(latent, action),
        ("latent", "action", "outcome"): lambda latent, action, outcome: outputs(
            latent, action, outcome
        ),
    }
    inputs = input_shapes(name, sizes, rows)
    specs = [mb.TensorSpec(shape=shape) for shape in inputs.values()]
    return mb.program(input_specs=specs, opset_version=TARGET)(bodies[tuple(inputs)])


class _Programs:
    """The computations of the programs: outputs by name."""

    def __init__(self, networks: Networks, sizes: ExportSizes, layers: MilLayers) -> None:
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
            joined([latent, action]), body.projection, self._sizes.outcomes
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
        layers = self._layers
        observation = layers.observation_norm(observation, network.observation_norm)
        x = encoded(layers, observation, network.encoder)
        attention = mb.softmax(x=layers.linear(x, network.attention), axis=3)
        pooled = mb.reduce_sum(x=mb.mul(x=x, y=attention), axes=[3], keep_dims=True)
        last = mb.slice_by_index(
            x=observation,
            begin=[0, 0, 0, self._sizes.window_bars - 1],
            end=[0, 0, 0, 0],
            begin_mask=[True, True, True, False],
            end_mask=[True, True, True, True],
        )
        columns = mb.transpose(x=joined([pooled, last]), perm=[0, 1, 3, 2])
        h = layers.norm(layers.linear(columns, network.projection), network.norm)
        return layers.tower(mb.relu(x=h), network.tower)
