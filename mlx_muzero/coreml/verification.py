"""Verifying an export: its saved programs against the model they were made from."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mlx_muzero.coreml.deployment import units_to_try
from mlx_muzero.coreml.drift import drift
from mlx_muzero.coreml.figures import EngineFigures, Verification
from mlx_muzero.coreml.interface import ProgramName
from mlx_muzero.coreml.manifest import Manifest, ProgramEntry
from mlx_muzero.coreml.output_errors import output_errors
from mlx_muzero.coreml.program import ComputeUnits, Engine, Program, ProgramSet, load_program
from mlx_muzero.coreml.samples import Samples
from mlx_muzero.coreml.search_agreement import search_agreement
from mlx_muzero.coreml.weights import digest, weights_of
from mlx_muzero.errors import ExportError
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.trading.positions import ActionTable

SAMPLES = 512
"""Decisions searched: 5 of them may differ at 99 %."""

_OUTPUT_SAMPLES = 128
_DRIFT_SAMPLES = 64

Loader = Callable[[Path, ProgramEntry, Engine, ComputeUnits], Program]


def verify(
    folder: Path,
    model: StochasticMuZero,
    table: ActionTable,
    samples: Samples,
    *,
    quick: bool = False,
    on_device: bool = True,
    load: Loader = load_program,
) -> Verification:
    """Compare the export in `folder` with `model`.

    Args:
        folder: of the export.
        model: with the weights it was made from.
        table: of actions.
        samples: situations to compare on.
        quick: outputs only, neither drift nor searches.
        on_device: on macOS through Core ML too, in this process, on the units to try.
        load: loads a program.

    Raises:
        ExportError: there is no export, its files were changed, or it was made from other weights.
    """
    manifest = Manifest.load(folder)
    manifest.check_files(folder)
    if manifest.weights_sha256 != digest(weights_of(model)):
        raise ExportError(
            f"{folder} was made from other weights, of checkpoint {manifest.checkpoint}. "
            "Export again."
        )

    sizes, few = manifest.sizes, samples.some(_DRIFT_SAMPLES)

    def figures(engine: Engine, units: ComputeUnits | None) -> EngineFigures:
        programs = _loaded(folder, manifest, engine, units, load)
        errors = output_errors(programs, sizes, model, samples.some(_OUTPUT_SAMPLES))
        found = EngineFigures(engine, units, tuple(errors))
        if quick or found.problems(manifest.precision):
            return found
        return replace(
            found,
            drift=tuple(drift(programs, sizes, model, table, few)),
            agreement=search_agreement(
                programs, sizes, model, manifest.config.search, table, samples
            ),
        )

    engines = [figures("sim", None)]
    if on_device and sys.platform == "darwin":
        for units in units_to_try():
            try:
                engines.append(figures("coreml", units))
            except Exception as error:  # whatever Core ML may raise: the other units matter too
                reason = f"{type(error).__name__}: {error}"
                engines.append(EngineFigures("coreml", units, failure=reason))
    return Verification(manifest.precision, len(samples), tuple(engines))


def _loaded(
    folder: Path,
    manifest: Manifest,
    engine: Engine,
    units: ComputeUnits | None,
    load: Loader,
) -> ProgramSet:
    programs: dict[ProgramName, dict[int, Program]] = {}
    for entry in manifest.programs:
        program = load(folder, entry, engine, units or "CPU_ONLY")
        programs.setdefault(entry.name, {})[entry.rows] = program
    return programs
