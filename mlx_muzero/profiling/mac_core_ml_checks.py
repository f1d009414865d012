"""Checks of ``mlx-muzero doctor --mac``: Core ML, Core AI and the process that runs them."""

import os
import signal
import tempfile
from pathlib import Path

import numpy as np

from mlx_muzero.config.choices import ExportBackend
from mlx_muzero.exports.child import Child, ChildLost
from mlx_muzero.exports.compiled_cache import default_folder
from mlx_muzero.exports.deployment import Deployment, EngineEvent
from mlx_muzero.exports.devices import Devices, devices
from mlx_muzero.exports.drift import drift
from mlx_muzero.exports.evaluator import ExportedEvaluator
from mlx_muzero.exports.export import export
from mlx_muzero.exports.figures import BOUNDED_STEPS, BOUNDS, Verification
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.placement import ProgramPlacement
from mlx_muzero.exports.verification import verify
from mlx_muzero.exports.weights import sizes_of, weights_of
from mlx_muzero.profiling.ane_lab import Lab
from mlx_muzero.profiling.mac_checks import DoesNotHold, Unavailable, expansion, model_of

BACKEND: ExportBackend = "coreml"

_ROWS = ExportOptions(batches=(32, 64))
_JOINED = ExportOptions(batches=(32, 64), multifunction=True)


def within_bounds(lab: Lab) -> str:
    """Compare every program with the model on every compute unit.

    Raises:
        DoesNotHold: a unit cannot be used or is beyond the bounds of an export.
    """
    return _all_within_bounds(lab.verified(_ROWS))


def core_ai_within_bounds(lab: Lab) -> str:
    """Export for Core AI, and compare every program with the model on every compute unit.

    Raises:
        Unavailable: Core AI runs on no more than the CPU here.
        DoesNotHold: a unit cannot be used or is beyond the bounds of an export.
        ExportError: no unit can, or the export failed.
    """
    here = devices("coreai")
    if here is None or here.units == ("cpu_only",):
        raise Unavailable(
            "Core AI runs on the GPU and the Neural Engine from macOS 27 on, with "
            "pip install 'mlx-muzero[coreai]'"
        )
    subject, found = lab.subject, []

    def check(folder: Path) -> Verification:
        found.append(verify(folder, subject.model, subject.table, lab.samples, here, quick=True))
        return found[0]

    with tempfile.TemporaryDirectory() as folder:
        weights, target = weights_of(subject.model), Path(folder, "export")
        export(weights, subject.config, subject.name, target, check, _ROWS, export_format="coreai")
    return _all_within_bounds(found[0])


def _all_within_bounds(verified: Verification) -> str:
    """The units that were compared.

    Raises:
        DoesNotHold: one is beyond the bounds, or could not be used.
    """
    units = [engine for engine in verified.engines if engine.compute_units is not None]
    failed = {engine.name: engine.problems(verified.precision) for engine in units}
    wrong = [f"{name}: {problems[0]}" for name, problems in failed.items() if problems]
    if wrong:
        raise DoesNotHold("; ".join(wrong))
    return ", ".join(failed)


def planned_for_the_neural_engine(lab: Lab) -> str:
    """Ask Core ML where it would run the programs.

    Raises:
        DoesNotHold: a program is not, or not mostly, for the Neural Engine.
    """
    plans = [plan for plan in _plans(lab, _ROWS) if plan.program.startswith("recurrent")]
    shares = {plan.program: plan.cost_share("ANE") for plan in plans}
    found = ", ".join(f"{name} {_percent(share)}" for name, share in shares.items())
    if not all(share is not None and share > 0.5 for share in shares.values()):
        raise DoesNotHold(f"share of the estimated time on the Neural Engine: {found}")
    return found


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"


def layer_norm_placed(lab: Lab) -> str:
    """Ask Core ML where it would run layer norm.

    Raises:
        DoesNotHold: not on the Neural Engine; ``export --layer-norm decomposed`` is there for that.
    """
    norms = [
        op.preferred or "undetermined"
        for plan in _plans(lab, _ROWS)
        for op in plan.operations
        if op.operation == "layer_norm"
    ]
    there = norms.count("ANE")
    found = f"{there} of {len(norms)} on the Neural Engine"
    if not norms or there < len(norms):
        raise DoesNotHold(f"{found}; export with --layer-norm decomposed and profile both")
    return found


def functions_planned(lab: Lab) -> str:
    """Ask Core ML for plans of a package with several functions.

    Raises:
        DoesNotHold: some have none.
    """
    plans = _plans(lab, _JOINED)
    told = [plan for plan in plans if any(op.preferred for op in plan.operations)]
    found = f"{len(told)} of {len(plans)} functions"
    if len(told) < len(plans):
        raise DoesNotHold(f"plans cover {found}; profile exports without --multifunction")
    return found


def _plans(lab: Lab, options: ExportOptions) -> list[ProgramPlacement]:
    """Plans for the Neural Engine.

    Raises:
        Unavailable: the environment does not allow it.
        DoesNotHold: there is no plan.
    """
    mac = _core_ml(lab)
    if "CPU_AND_NE" not in mac.units:
        raise Unavailable("MLX_MUZERO_COMPUTE_UNITS forbids the Neural Engine: unset it")
    plans = list(mac.plan(lab.exported(options), "CPU_AND_NE"))
    for plan in plans:
        if plan.failure:
            raise DoesNotHold(f"{plan.program}: no plan, {plan.failure}")
    return plans


def _core_ml(lab: Lab) -> Devices:
    assert lab.core_ml is not None
    return lab.core_ml


def drift_bounded(lab: Lab) -> str:
    """Let programs and model go on from their own latents, on every unit.

    Raises:
        DoesNotHold: a unit's latents are too far from the model's, or it cannot be used.
    """
    folder, model, mac = lab.exported(_ROWS), model_of(lab), _core_ml(lab)
    found = []
    for units in mac.units:
        try:
            with mac.programs(folder, units) as programs:
                steps = drift(programs, sizes_of(model), model, lab.subject.table, lab.samples)
                by_steps = {step.steps: step.latent_frac for step in steps}
        except ChildLost as lost:
            raise DoesNotHold(f"{units}: {lost}") from lost
        found.append(f"{units} {by_steps[BOUNDED_STEPS]:.3%}")
        if not by_steps[BOUNDED_STEPS] <= BOUNDS["fp16"].drift:
            raise DoesNotHold(f"after {BOUNDED_STEPS} steps {found[-1]}")
    return f"after {BOUNDED_STEPS} steps {', '.join(found)}"


def killed_child_replaced(lab: Lab) -> str:
    """Kill the process that runs the programs between two searches from the same roots.

    Raises:
        DoesNotHold: the second search differs, or nobody noticed.
        EngineLost: no new process works.
    """
    model = model_of(lab)
    events: list[EngineEvent] = []
    subject = lab.deployed(_ROWS)
    deployment = Deployment(subject.exports, report=events.append, loader=subject.loader)
    evaluator = ExportedEvaluator(model, "all_outcomes", BACKEND, deployment)
    try:
        before = expansion(evaluator, model)
        _kill_child(evaluator)
        after = expansion(evaluator, model)
    finally:
        evaluator.close()
    if [event.event for event in events] != ["engine_restarted"]:
        raise DoesNotHold(f"expected one restart, and heard {[str(event) for event in events]}")
    if any(not np.array_equal(one, other) for one, other in zip(before, after, strict=True)):
        raise DoesNotHold("the new process gave other bits")
    return events[0].reason


def _kill_child(evaluator: ExportedEvaluator) -> None:
    child = evaluator.supervisor.child
    assert isinstance(child, Child)
    os.kill(child.pid, signal.SIGKILL)


def compiled_once(lab: Lab) -> str:
    """Look for the compiled programs where the next start looks for them.

    Raises:
        DoesNotHold: one is not there.
    """
    folder, mac = lab.exported(_ROWS), _core_ml(lab)
    with mac.programs(folder, mac.units[0]):
        pass
    contents = [entry.content for entry in Manifest.load(folder).programs]
    missing = [name for name in contents if not list(default_folder().glob(f"{name}-*.mlmodelc"))]
    if missing:
        raise DoesNotHold(f"{len(missing)} of {len(contents)} are not in {default_folder()}")
    return f"{len(contents)} programs in {default_folder()}"
