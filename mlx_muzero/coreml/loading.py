"""Loads the programs of a Core ML export, for Core ML or for the interpreter."""

from pathlib import Path

from mlx_muzero.exports.manifest import ProgramEntry
from mlx_muzero.exports.program import ComputeUnits, Engine, Program

LOAD_PROGRAM = "mlx_muzero.coreml.loading:load_program"
"""The name of `load_program` for the child process of a `Deployment`."""


def load_program(
    folder: Path, entry: ProgramEntry, engine: Engine, compute_units: ComputeUnits = "CPU_AND_NE"
) -> Program:
    """Load the program `entry` of the export in `folder`; `compute_units` applies to Core ML only.

    Raises:
        ExportError: it cannot be loaded here, or has an operation the interpreter lacks.
    """
    package = folder / entry.package
    # Imported here: the interpreter needs coremltools, but users of LOAD_PROGRAM do not.
    if engine == "sim":
        from mlx_muzero.coreml.interpreter import Interpreter

        return Interpreter(package, entry.function)
    from mlx_muzero.coreml.device_program import DeviceProgram

    return DeviceProgram(package, entry.function, entry.content, compute_units)
