"""Writes programs as functions of one Core AI asset."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mlx_muzero.coreai.graphs import add_graph
from mlx_muzero.coreai.operations import CoreAiOperations
from mlx_muzero.coreai.toolkit import authoring as ca
from mlx_muzero.exports.graphs.programs import AnyNetworks, computation
from mlx_muzero.exports.interface import ExportSizes, ProgramName, input_shapes, output_shapes
from mlx_muzero.exports.options import ExportOptions


def save(
    asset: Path,
    programs: Sequence[tuple[str, ProgramName, int]],
    networks: AnyNetworks,
    sizes: ExportSizes,
    options: ExportOptions,
    tick: Callable[[], None] = lambda: None,
) -> None:
    """Save programs, which share their constants, into the new folder `asset`.

    Equal weights do not yield equal files: the library writes lines of source code and random names
    into them. `mlx_muzero.coreai.assets.Function.digest` looks at weights and operations only.

    Args:
        asset: the folder, named ``*.aimodel``.
        programs: the name of each function, its program and its number of rows.
        networks: the layers.
        sizes: sizes of the model.
        options: how to export.
        tick: called after each program.
    """
    module = ca.Module.create()
    with module:
        ops = CoreAiOperations(options.precision, options.weights)
        for function, name, rows in programs:
            shapes = input_shapes(name, sizes, rows), output_shapes(name, sizes, rows)
            add_graph(
                function, *shapes, computation(name, networks, sizes, ops, options.layer_norm)
            )
            tick()
    ca.AIProgram(module).save_asset(asset)
