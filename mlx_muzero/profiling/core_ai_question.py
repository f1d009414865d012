"""The question about Core AI of ``mlx-muzero doctor --ane``: every unit of this machine, measured.

Off a Mac with its own Core AI, the package's runtime answers for the CPU.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero.coreai.plans import PLAN_EXPORT
from mlx_muzero.exports.child import Child, ChildLost
from mlx_muzero.exports.devices import devices
from mlx_muzero.exports.export import export
from mlx_muzero.exports.figures import EngineFigures
from mlx_muzero.exports.formats import why_not_installed
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.output_errors import output_errors
from mlx_muzero.exports.placement import placements
from mlx_muzero.exports.program import ComputeUnits, program_set
from mlx_muzero.exports.verification import verify
from mlx_muzero.exports.weights import weights_of
from mlx_muzero.profiling.ane_lab import Lab

OPTIONS = ExportOptions(batches=(64,))
CALLS = 20


def core_ai(lab: Lab) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Sentences and figures: time to load anew and again, time of a step and error, on each unit.

    Raises:
        ExportError: the export differs from the model.
    """
    runs_it = devices("coreai")
    if runs_it is None:
        return (f"Not measured: {why_not_installed('coreai')}.",), {}
    folder = _exported(lab)
    found: dict[str, Any] = {}
    sentences = []
    for units in runs_it.units:
        try:
            found[units] = figures = _on(lab, folder, units)
        except ChildLost as lost:
            found[units] = {"failure": str(lost)}
            sentences.append(f"{units} failed: {lost}.")
            continue
        sentences.append(
            f"{units}: loads in {figures['load_s']:.2f} s, from the cache in "
            f"{figures['cached_load_s']:.2f} s, the process included; a step of 64 rows takes "
            f"{figures['step_ms']:.2f} ms; {figures['verdict']}; {figures['plan']}."
        )
    return tuple(sentences), found


def _exported(lab: Lab) -> Path:
    subject, folder = lab.subject, lab.folder / "core-ai"
    export(
        weights_of(subject.model),
        subject.config,
        subject.name,
        folder,
        lambda made: verify(made, subject.model, subject.table, lab.samples, quick=True),
        OPTIONS,
        export_format="coreai",
    )
    return folder


def _on(lab: Lab, folder: Path, units: ComputeUnits) -> dict[str, Any]:
    """Figures of one unit.

    Raises:
        ChildLost: it cannot be used.
    """
    manifest = Manifest.load(folder)
    first, load_s = _loaded(folder, manifest, units)
    first.end()
    child, cached_load_s = _loaded(folder, manifest, units)
    try:
        programs = program_set(child.call, manifest.programs)
        errors = tuple(output_errors(programs, manifest.sizes, lab.subject.model, lab.samples))
        problems = EngineFigures("coreai", units, errors).problems(manifest.exactness)
        entry = next(e for e in manifest.programs if e.name in ("recurrent", "step"))
        inputs = {name: np.zeros(shape, np.float32) for name, shape in entry.inputs.items()}
        times = []
        for _ in range(CALLS):
            began = time.perf_counter()
            child.call(entry.key, inputs)
            times.append(time.perf_counter() - began)
    finally:
        child.end()
    return {
        "load_s": load_s,
        "cached_load_s": cached_load_s,
        "step_ms": 1e3 * float(np.median(times)),
        "worst_error_frac": max(e.worst / max(1.0, e.largest) for e in errors),
        "verdict": "; ".join(problems) or "every output is within bounds",
        "plan": _planned(folder, units),
    }


def _planned(folder: Path, units: ComputeUnits) -> str:
    """Where the runtime runs the operations, and why not on the Neural Engine, in words."""
    (plan, *_) = placements(folder, units, PLAN_EXPORT)
    if plan.failure:
        return f"its plan cannot be read: {plan.failure}"
    counts = ", ".join(f"{count:,} on {device}" for device, count in plan.counts().items())
    words = [f"its plan: {counts or 'no operation'}"]
    words += [f"{count:,} refused: {why}" for why, count in plan.refusals().items()]
    return "; ".join(words)


def _loaded(folder: Path, manifest: Manifest, units: ComputeUnits) -> tuple[Child, float]:
    """A child with all programs, and the seconds until it had them."""
    began = time.perf_counter()
    child = Child(folder, manifest.programs, "coreai", units)
    return child, time.perf_counter() - began
