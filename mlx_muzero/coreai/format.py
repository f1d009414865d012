"""Core AI as an export format; loads coreai's library only when it is used."""

import platform
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from mlx_muzero.coreai.functions import require_precision
from mlx_muzero.coreai.plans import PLAN_EXPORT
from mlx_muzero.coreai.producer import PACKAGE, require_producer, require_same_producer
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.formats import Format
from mlx_muzero.exports.interface import ExportSizes, ProgramName, output_shapes
from mlx_muzero.exports.manifest import ProgramEntry, Weights, digests
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.placement import ProgramPlacement, placements
from mlx_muzero.exports.program import CORE_AI_UNITS, ComputeUnits

if TYPE_CHECKING:
    from mlx_muzero.exports.graphs.programs import AnyNetworks

ASSET = "programs.aimodel"

FIRST_MACOS = 27
"""The first macOS that has Core AI; before it, and on Linux, the package brings a CPU runtime."""


MOST_ARRAYS = 16_384
"""Output arrays after which macOS 27 is reported to refuse a process more (coreai-torch 75).

Outputs here are states, which may not count; no Mac has told. On Linux memory stays flat.
"""


class CoreAi:
    """See `mlx_muzero.exports.formats.Format`."""

    title = "Core AI"
    system = "macOS 27"
    producer = PACKAGE
    shares_weights = True
    weights: tuple[Weights, ...] = get_args(Weights)
    units = CORE_AI_UNITS
    preferred_units: ComputeUnits = "neural_engine"

    def units_here(self) -> tuple[ComputeUnits, ...]:
        """All from macOS 27 on, elsewhere the CPU; none without the package."""
        try:
            self.require_installed()
        except ExportError:
            return ()
        return self.units if has_devices() else ("cpu_only",)

    def require_installed(self) -> None:
        """Look for the package and its version, without importing it."""
        require_producer()

    def require_readable(self, versions: dict[str, str], where: str) -> None:
        """Only what the installed version has made."""
        require_producer()
        require_same_producer(versions, where)

    def most_calls(self, programs: Iterable[ProgramEntry]) -> int | None:
        """On a Mac with its own Core AI, well below what `MOST_ARRAYS` would allow."""
        if not has_devices():
            return None
        return MOST_ARRAYS * 3 // 4 // max(len(program.outputs) for program in programs)

    def write(
        self,
        folder: Path,
        names: tuple[ProgramName, ...],
        networks: "AnyNetworks",
        sizes: ExportSizes,
        options: ExportOptions,
        tick: Callable[[], None],
    ) -> tuple[ProgramEntry, ...]:
        """One asset, with a function for every program and number of rows."""
        from mlx_muzero.coreai.assets import read_functions
        from mlx_muzero.coreai.programs import save

        asset = folder / ASSET
        keys = [(f"{name}_b{rows}", name, rows) for name in names for rows in options.batches]
        save(asset, keys, networks, sizes, options, tick)
        saved, files = read_functions(asset), digests(asset, "coreai")
        for function in saved.values():
            require_precision(function, options.precision)
        return tuple(
            ProgramEntry(
                name=name,
                rows=rows,
                package=ASSET,
                function=key,
                sha256=files,
                inputs=saved[key].inputs,
                outputs={
                    output: saved[key].outputs[output][0]
                    for output in output_shapes(name, sizes, rows)
                },
                op_histogram=saved[key].histogram(),
                structure_sha256=saved[key].digest(),
            )
            for key, name, rows in keys
        )

    def plan(self, folder: Path, units: ComputeUnits) -> tuple[ProgramPlacement, ...]:
        """Where a Mac's runtime runs the operations, all functions together; else it is the CPU."""
        return placements(folder, units, PLAN_EXPORT) if has_devices() else ()


def has_devices() -> bool:
    """Whether this is a Mac whose system has Core AI, with the Neural Engine and the GPU."""
    if sys.platform != "darwin":
        return False
    return int(platform.mac_ver()[0].partition(".")[0] or 0) >= FIRST_MACOS


FORMAT: Format = CoreAi()
