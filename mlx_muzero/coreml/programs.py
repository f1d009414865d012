"""The programs in Core ML's intermediate language (MIL)."""

from collections.abc import Callable

from mlx_muzero.coreml.operations import MilOperations
from mlx_muzero.coreml.toolkit import TARGET, mb
from mlx_muzero.exports.graphs.operations import Var
from mlx_muzero.exports.graphs.programs import AnyNetworks, computation
from mlx_muzero.exports.interface import ExportSizes, ProgramName, input_shapes, output_shapes
from mlx_muzero.exports.manifest import LayerNorm, Precision


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
    compute = computation(name, networks, sizes, MilOperations(precision), layer_norm)

    def outputs(*inputs: Var) -> tuple[Var, ...]:
        values = compute(*inputs)
        return tuple(values[output] for output in output_shapes(name, sizes, rows))

    # MIL names a program's inputs after the function's arguments.
    bodies: dict[tuple[str, ...], Callable[..., tuple[Var, ...]]] = {
        ("observation",): lambda observation: outputs(observation),
        ("observation", "known"): lambda observation, known: outputs(observation, known),
        ("latent",): lambda latent: outputs(latent),
        ("latent", "known"): lambda latent, known: outputs(latent, known),
        ("latent", "action"): lambda latent, action: outputs(latent, action),
        ("latent", "action", "outcome"): lambda latent, action, outcome: outputs(
            latent, action, outcome
        ),
    }
    inputs = input_shapes(name, sizes, rows)
    specs = [mb.TensorSpec(shape=shape) for shape in inputs.values()]
    return mb.program(input_specs=specs, opset_version=TARGET)(bodies[tuple(inputs)])
