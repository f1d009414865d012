"""Core ML as an export format; loads coreml's library only when it is used."""

import shutil
import sys
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mlx_muzero.coreml.plans import PLAN_EXPORT
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.formats import Format
from mlx_muzero.exports.interface import ExportSizes, ProgramName
from mlx_muzero.exports.manifest import ProgramEntry, Weights, digests
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.placement import ProgramPlacement, placements
from mlx_muzero.exports.program import CORE_ML_UNITS, ComputeUnits

if TYPE_CHECKING:
    from mlx_muzero.exports.graphs.programs import AnyNetworks

JOINED_PACKAGE = "programs.mlpackage"


class CoreMl:
    """See `mlx_muzero.exports.formats.Format`."""

    title = "Core ML"
    system = "macOS"
    producer = "coremltools"
    shares_weights = False
    weights: tuple[Weights, ...] = ("float",)
    units = CORE_ML_UNITS
    # Never all units: with the GPU among them Core ML has aborted processes, and the GPU trains.
    preferred_units: ComputeUnits = "CPU_AND_NE"

    def units_here(self) -> tuple[ComputeUnits, ...]:
        """All on a Mac."""
        return self.units if sys.platform == "darwin" else ()

    def require_installed(self) -> None:
        """Look for coremltools, without importing it."""
        if find_spec(self.producer) is None:
            raise ExportError("Core ML programs need coremltools: pip install 'mlx-muzero[coreml]'")

    def require_readable(self, versions: dict[str, str], where: str) -> None:
        """Does nothing: packages of every version of coremltools can be read."""

    def most_calls(self, programs: Iterable[ProgramEntry]) -> None:
        """No limit is known."""

    def write(
        self,
        folder: Path,
        names: tuple[ProgramName, ...],
        networks: "AnyNetworks",
        sizes: ExportSizes,
        options: ExportOptions,
        tick: Callable[[], None],
    ) -> tuple[ProgramEntry, ...]:
        """A package for every program, or one for all."""
        from mlx_muzero.coreml import conversion
        from mlx_muzero.coreml.programs import build

        made: dict[str, tuple[ProgramName, int, Path]] = {}
        for name in names:
            for rows in options.batches:
                function = f"{name}_b{rows}"
                package = folder / f"{function}.mlpackage"
                program = build(name, networks, sizes, rows, options.precision, options.layer_norm)
                conversion.save(program, package)
                made[function] = (name, rows, package)
                tick()
        if options.multifunction:
            joined = folder / JOINED_PACKAGE
            packages = {function: package for function, (_, _, package) in made.items()}
            conversion.join(packages, joined)
            for package in packages.values():
                shutil.rmtree(package)
            made = {function: (name, rows, joined) for function, (name, rows, _) in made.items()}
        return tuple(
            _entry(name, rows, package, function if options.multifunction else None, options)
            for function, (name, rows, package) in made.items()
        )

    def plan(self, folder: Path, units: ComputeUnits) -> tuple[ProgramPlacement, ...]:
        """Core ML's compute plan of every program."""
        return placements(folder, units, PLAN_EXPORT)


def _entry(
    name: ProgramName, rows: int, package: Path, function: str | None, options: ExportOptions
) -> ProgramEntry:
    """The entry of a saved program, read back from disk."""
    from mlx_muzero.coreml.packages import histogram, read_function, require_precision

    saved = read_function(package, function)
    require_precision(saved, options.precision)
    return ProgramEntry(
        name=name,
        rows=rows,
        package=package.name,
        function=function,
        sha256=digests(package, "coreml"),
        inputs={tensor: tuple(var.shape) for tensor, var in saved.inputs.items()},
        outputs={var.name: tuple(var.shape) for var in saved.outputs},
        op_histogram=histogram(saved),
    )


FORMAT: Format = CoreMl()
