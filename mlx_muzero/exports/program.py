"""One exported program, loaded and ready to be called, on any engine."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Literal, Protocol

from mlx_muzero.exports.interface import ProgramName
from mlx_muzero.exports.manifest import ProgramEntry
from mlx_muzero.types import F32

Engine = Literal["coreml", "sim"]
"""What runs a program: Core ML (macOS), or the NumPy interpreter of the same package."""

ComputeUnits = Literal["CPU_ONLY", "CPU_AND_GPU", "CPU_AND_NE"]
"""Units Core ML may use. Never all at once: a Mac's GPU compiler has been seen to abort."""


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
