"""The four programs in Core ML's intermediate language (MIL).

Written for the Neural Engine: every tensor has rank 4, every product with weights is a convolution,
the rows are the last axis, and nothing is gathered, looked up or resized at run time. A sequence is
an image ``(1, channels, n, W)``, a latent ``(1, channels, 1, n)``. A whole search step is one
program, because Core ML leaves small programs to the CPU.
"""

from dataclasses import replace

from mlx_muzero.coreml.mil_encoders import encoded
from mlx_muzero.coreml.mil_layers import MilLayers, Var, joined
from mlx_muzero.coreml.toolkit import TARGET, mb
from mlx_muzero.exports.interface import ExportSizes, ProgramName, input_shapes, output_shapes
from mlx_muzero.exports.manifest import LayerNorm, Precision
from mlx_muzero.exports.networks import Networks, Representation


def build(
    name: ProgramName,
    networks: Networks,
    sizes: ExportSizes,
    rows: int,
    precision: Precision,
    layer_norm: LayerNorm,
) -> Var:
    """Build a MIL program with the inputs and outputs of `mlx_muzero.exports.interface`.

    Build it anew for each conversion, which changes it.
    """
    layers = MilLayers(precision, layer_norm)
    programs = _Programs(networks, sizes, layers)

    def outputs(values: dict[str, Var]) -> tuple[Var, ...]:
        names = output_shapes(name, sizes, rows)
        return tuple(layers.output(output, values[output]) for output in names)

    # MIL names a program's inputs after the function's arguments.
    def initial(observation: Var) -> tuple[Var, ...]:
        return outputs(programs.initial(layers.entered(observation)))

    def recurrent(latent: Var, action: Var) -> tuple[Var, ...]:
        return outputs(programs.recurrent(layers.entered(latent), layers.entered(action)))

    def afterstate(latent: Var, action: Var) -> tuple[Var, ...]:
        return outputs(programs.afterstate(layers.entered(latent), layers.entered(action)))

    def dynamics(latent: Var, action: Var, outcome: Var) -> tuple[Var, ...]:
        inputs = (layers.entered(x) for x in (latent, action, outcome))
        return outputs(programs.dynamics(*inputs))

    bodies = {
        "initial": initial,
        "recurrent": recurrent,
        "afterstate": afterstate,
        "dynamics": dynamics,
    }
    specs = [mb.TensorSpec(shape=shape) for shape in input_shapes(name, sizes, rows).values()]
    return mb.program(input_specs=specs, opset_version=TARGET)(bodies[name])


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
        body, outcomes = self._networks.dynamics.body, self._sizes.outcomes
        # Each outcome adds one column of the projection; everything else is shared.
        weight = body.projection.weight
        shared = replace(body.projection, weight=weight[:, :-outcomes])
        base = self._layers.linear(joined([latent, action]), shared)
        projected = [
            mb.add(x=base, y=self._layers.column(weight[:, c - outcomes, 0]))
            for c in range(outcomes)
        ]
        h = self._layers.tower(mb.concat(values=projected, axis=3), body.tower)
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
