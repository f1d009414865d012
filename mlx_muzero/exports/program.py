"""One exported program, loaded and ready to be called, on any engine."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol, get_args

from mlx_muzero.config.choices import Backend, ExportBackend, ExportFormat
from mlx_muzero.exports.interface import ProgramName
from mlx_muzero.exports.manifest import ProgramEntry
from mlx_muzero.types import F32

Engine = Literal[ExportFormat, "sim"]
"""What runs a program: the framework of its format, or the NumPy interpreter of the same file."""

CoreMlUnits = Literal["CPU_ONLY", "CPU_AND_GPU", "CPU_AND_NE"]
CoreAiUnits = Literal["cpu_only", "gpu", "neural_engine"]
ComputeUnits = Literal[CoreMlUnits, CoreAiUnits]
"""Units a framework may use, by the names it gives them; Core AI adds the CPU to the others."""

CORE_ML_UNITS: tuple[ComputeUnits, ...] = get_args(CoreMlUnits)
CORE_AI_UNITS: tuple[ComputeUnits, ...] = get_args(CoreAiUnits)
"""In the same order."""


@dataclass(frozen=True)
class Play:
    """How a backend plays an export.

    Attributes:
        format: the format of the export.
        engine: runs the programs.
        units: units it may use; None for those of `mlx_muzero.exports.deployment.compute_units`.
    """

    format: ExportFormat
    engine: Engine
    units: ComputeUnits | None = None


PLAYS: dict[ExportBackend, Play] = {
    "coreml": Play("coreml", "coreml"),
    "coreml-sim": Play("coreml", "sim"),
    "coreai": Play("coreai", "coreai"),
    "coreai-cpu": Play("coreai", "coreai", "cpu_only"),
}
"""Backends that need an export."""


def usual_root(backend: Backend) -> Backend:
    """What evaluates roots where `backend` evaluates leaves, unless something was found faster."""
    return "mlx" if backend in PLAYS else backend


class Program(Protocol):
    """A program with fixed shapes (`mlx_muzero.exports.interface`)."""

    def __call__(self, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """Return outputs by name, float32.

        Args:
            inputs: every input by name, float32, C-contiguous and of the program's exact shape.

        Raises:
            ExportError: an input is missing or has another shape.
        """
        ...


ProgramSet = Mapping[ProgramName, Mapping[int, Program]]
"""Loaded programs by name, then by number of rows."""

Call = Callable[[str, Mapping[str, F32]], dict[str, F32]]
"""Runs the program with the given key."""


def program_set(call: Call, entries: Iterable[ProgramEntry]) -> ProgramSet:
    """The programs of `entries`, run by `call`."""
    programs: dict[ProgramName, dict[int, Program]] = {}
    for entry in entries:
        programs.setdefault(entry.name, {})[entry.rows] = partial(call, entry.key)
    return programs
