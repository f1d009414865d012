"""Apple's frameworks on this machine, always in other processes, as they may crash or hang."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from mlx_muzero.config.choices import ExportFormat
from mlx_muzero.exports.child import Child
from mlx_muzero.exports.deployment import units_to_try
from mlx_muzero.exports.formats import format_named
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.placement import ProgramPlacement
from mlx_muzero.exports.program import ComputeUnits, ProgramSet, program_set


class Devices(Protocol):
    """A framework, run in other processes."""

    @property
    def format(self) -> ExportFormat:
        """The format it runs."""
        ...

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


class ThisMachine:
    """The framework of this machine that runs a format."""

    def __init__(self, export_format: ExportFormat) -> None:
        self.format = export_format
        self.units = units_to_try(export_format)

    def plan(self, export: Path, units: ComputeUnits) -> tuple[ProgramPlacement, ...]:
        """See `Devices`."""
        return format_named(self.format).plan(export, units)

    @contextmanager
    def programs(self, export: Path, units: ComputeUnits) -> Iterator[ProgramSet]:
        """See `Devices`."""
        entries = Manifest.load(export).programs
        child = Child(export, entries, self.format, units)
        try:
            yield program_set(child.call, entries)
        finally:
            child.end()


def devices(export_format: ExportFormat) -> Devices | None:
    """The framework that runs a format; None if this machine does not have it.

    Raises:
        ConfigError: the environment names unknown compute units.
    """
    return ThisMachine(export_format) if format_named(export_format).units_here() else None
