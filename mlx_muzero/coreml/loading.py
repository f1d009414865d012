"""Loads the programs of a Core ML export, for Core ML itself or for the interpreter."""

from pathlib import Path

from mlx_muzero.exports.manifest import ProgramEntry
from mlx_muzero.exports.program import ComputeUnits, Engine, Program

LOAD_PROGRAM = "mlx_muzero.coreml.loading:load_program"
"""`load_program` as the child process of a `Deployment` is told to find it."""


def load_program(
    folder: Path, entry: ProgramEntry, engine: Engine, compute_units: ComputeUnits = "CPU_AND_NE"
) -> Program:
    """The program `entry` of the export in `folder`; `compute_units` matter to Core ML only.

    Raises:
        ExportError: it cannot be loaded here, or holds an operation the interpreter lacks.
    """
    package = folder / entry.package
    # Imported here, as the interpreter needs coremltools and whoever names LOAD_PROGRAM does not.
    if engine == "sim":
        from mlx_muzero.coreml.interpreter import Interpreter

        return Interpreter(package, entry.function)
    from mlx_muzero.coreml.device_program import DeviceProgram

    return DeviceProgram(package, entry.function, entry.content, compute_units)
