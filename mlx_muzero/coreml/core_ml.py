"""Core ML on a Mac, always in other processes, as it may crash or hang its caller."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from mlx_muzero.coreml.loading import LOAD_PROGRAM
from mlx_muzero.coreml.placement import ProgramPlacement, placements
from mlx_muzero.exports.child import Child
from mlx_muzero.exports.deployment import Deployment, units_to_try
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.program import ComputeUnits, ProgramSet, program_set


class CoreMl(Protocol):
    """Core ML, run in other processes."""

    @property
    def units(self) -> tuple[ComputeUnits, ...]:
        """The compute units to try, one after the other."""
        ...

    def plan(self, export: Path, units: ComputeUnits) -> tuple[ProgramPlacement, ...]:
        """Its plan for every program of an export."""
        ...

    def programs(self, export: Path, units: ComputeUnits) -> AbstractContextManager[ProgramSet]:
        """Load the programs of an export.

        Raises:
            ChildLost: they cannot be loaded, or later called.
        """
        ...


class ThisMac:
    """The Core ML of this machine."""

    def __init__(self) -> None:
        self.units = units_to_try()

    def plan(self, export: Path, units: ComputeUnits) -> tuple[ProgramPlacement, ...]:
        """See `CoreMl`."""
        return placements(export, units)

    @contextmanager
    def programs(self, export: Path, units: ComputeUnits) -> Iterator[ProgramSet]:
        """See `CoreMl`."""
        entries = Manifest.load(export).programs
        child = Child(Deployment(export, loader=LOAD_PROGRAM), entries, "coreml", units)
        try:
            yield program_set(child.call, entries)
        finally:
            child.end()


def core_ml() -> CoreMl | None:
    """Core ML; None on other systems.

    Raises:
        ConfigError: the environment names unknown compute units.
    """
    return ThisMac() if sys.platform == "darwin" else None
