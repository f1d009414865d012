"""Loads the programs of a Core ML export, for Core ML or for the interpreter."""

from pathlib import Path

from mlx_muzero.exports.manifest import ProgramEntry
from mlx_muzero.exports.program import ComputeUnits, Engine, Program


def load_program(folder: Path, entry: ProgramEntry, engine: Engine, units: ComputeUnits) -> Program:
    """Load the program `entry` of the export in `folder`; `units` apply to Core ML only.

    Raises:
        ExportError: it cannot be loaded here, or has an operation the interpreter lacks.
    """
    package = folder / entry.package
    # Each imports what the other does not need.
    if engine == "sim":
        from mlx_muzero.coreml.interpreting import interpreter

        return interpreter(package, entry.function)
    from mlx_muzero.coreml.device_program import DeviceProgram

    return DeviceProgram(package, entry.function, entry.content, units)
