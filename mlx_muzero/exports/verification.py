"""Verifies an export: its saved programs against the model they were made from."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import mlx.core as mx

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.child import ChildLost
from mlx_muzero.exports.devices import Devices
from mlx_muzero.exports.drift import drift
from mlx_muzero.exports.figures import EngineFigures, Verification
from mlx_muzero.exports.formats import format_named
from mlx_muzero.exports.loading import loader_named, loader_of
from mlx_muzero.exports.manifest import Manifest, ProgramEntry
from mlx_muzero.exports.market_drift import market_drift
from mlx_muzero.exports.output_errors import output_errors
from mlx_muzero.exports.program import (
    ComputeUnits,
    Engine,
    Program,
    ProgramSet,
    program_set,
)
from mlx_muzero.exports.samples import Samples
from mlx_muzero.exports.search_agreement import Agrees, Decide, market_agreement, search_agreement
from mlx_muzero.exports.weights import digest, weights_of
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.types import F32

SAMPLES = 512
"""Number of decisions searched; at 99 %, 5 of them may differ."""

DEVICE_SAMPLES = 128
"""The same on a device: Apple's runtime on Linux takes ten times as long as MLX."""

_OUTPUT_SAMPLES = 128
_DRIFT_SAMPLES = 64

Load = Callable[[Path, ProgramEntry], Program]


def interpreted(folder: Path, entry: ProgramEntry) -> Program:
    """Load a program of the export in `folder`, to run in NumPy."""
    load = loader_named(loader_of(Manifest.load(folder).export_format))
    return load(folder, entry, "sim", "CPU_ONLY")


def verify(
    folder: Path,
    model: Model,
    table: ActionTable,
    samples: Samples,
    devices: Devices | None = None,
    *,
    decide: Decide | None = None,
    quick: bool = False,
    load: Load = interpreted,
    tick: Callable[[], None] = lambda: None,
) -> Verification:
    """Compare the export in `folder` with `model`.

    Args:
        folder: the export folder.
        model: has the weights the export was made from.
        table: the actions.
        samples: situations to compare on.
        devices: runs the programs as well, on each of its units.
        decide: how a factored model's search decides in the situations of `samples`; needed for
            such a model unless `quick`.
        quick: compare only outputs, neither drift nor searches.
        load: loads a program to run in this process.
        tick: called for every call of a program in this process, of which there are many.

    Raises:
        ExportError: there is no export, its files were changed, it was made from other weights, or
            by software whose exports cannot be read here.
    """
    manifest = Manifest.load(folder)
    manifest.check_files(folder)
    format_named(manifest.export_format).require_readable(manifest.versions, str(folder))
    if manifest.weights_sha256 != digest(weights_of(model)):
        raise ExportError(
            f"{folder} was made from other weights, of checkpoint {manifest.checkpoint}. "
            "Export again."
        )

    sizes, few = manifest.sizes, samples.some(_DRIFT_SAMPLES)
    judges = None if quick else _judges(manifest, model, table, samples, decide)

    def figures(engine: Engine, units: ComputeUnits | None, programs: ProgramSet) -> EngineFigures:
        errors = output_errors(programs, sizes, model, samples.some(_OUTPUT_SAMPLES))
        found = EngineFigures(engine, units, tuple(errors))
        if judges is None or found.problems(manifest.exactness):
            return found
        if isinstance(model, FactoredModel):
            drifts = market_drift(programs, model, few)
        else:
            drifts = drift(programs, sizes, model, table, few)
        agrees = judges[engine != "sim"]
        return replace(found, drift=tuple(drifts), agreement=agrees(programs))

    def on(found: Devices) -> Iterator[EngineFigures]:
        for units in found.units:
            try:
                with found.programs(folder, units) as programs:
                    yield figures(found.format, units, programs)
            except ChildLost as lost:  # the other units matter too
                yield EngineFigures(found.format, units, failure=str(lost))

    by_key = {entry.key: load(folder, entry) for entry in manifest.programs}

    def run(key: str, inputs: Mapping[str, F32]) -> dict[str, F32]:
        tick()
        return by_key[key](inputs)

    # Devices compute in other processes meanwhile; a thread may use weights that are there.
    mx.eval(model.parameters())
    with ThreadPoolExecutor(1) as aside:
        elsewhere = aside.submit(lambda: () if devices is None else tuple(on(devices)))
        here = figures("sim", None, program_set(run, manifest.programs))
        engines = here, *elsewhere.result()
    return Verification(manifest.exactness, len(samples), engines)


def _judges(
    manifest: Manifest, model: Model, table: ActionTable, samples: Samples, decide: Decide | None
) -> tuple[Agrees, Agrees]:
    """What compares decisions with the model's: of the interpreter, and of a device."""
    if isinstance(model, FactoredModel):
        if decide is None:
            raise ValueError("a factored model's export is verified with `decide`")
        judge = market_agreement(model, decide)
        return judge, judge
    settings, sizes = manifest.config.search, manifest.sizes
    here, there = (
        search_agreement(model, sizes, settings, table, some)
        for some in (samples, samples.some(DEVICE_SAMPLES))
    )
    return here, there
