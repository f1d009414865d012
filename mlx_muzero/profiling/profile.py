"""The profile of a machine: all targets measured, Core ML's plans, and the fastest backend."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mlx_muzero import kernel_choice
from mlx_muzero.agent.backend_choice import BACKENDS, speed_key, trained_precision
from mlx_muzero.agent.backend_speeds import BackendSpeeds, remember
from mlx_muzero.config.choices import Backend, ConcreteBackend
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.exports.deployment import compute_units
from mlx_muzero.exports.devices import devices
from mlx_muzero.exports.formats import format_named
from mlx_muzero.exports.placement import ProgramPlacement
from mlx_muzero.exports.program import PLAYS
from mlx_muzero.files.regular import write_text
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.profiling import doctor
from mlx_muzero.profiling.energy import find_sampler
from mlx_muzero.profiling.figures import BackendProfile
from mlx_muzero.profiling.measure import Effort, measure_in_child
from mlx_muzero.profiling.published import CRYPTO_TABLE
from mlx_muzero.profiling.subject import Subject, preset_subject, run_subject
from mlx_muzero.profiling.targets import Target, has_gpu, targets
from mlx_muzero.profiling.verdict import verdict
from mlx_muzero.untrusted.json_values import finite


@dataclass(frozen=True)
class Profile:
    """The result of profiling.

    Attributes:
        machine: the machine it was measured on.
        subject: the model's name.
        expansion: what a leaf is.
        targets: what was measured.
        backends: results of each target, in the same order.
        placements: Core ML's plan of every program for all compute units; empty on other systems.
        notes: what was not measured and why.
        speeds: speeds by which `search.backend = "auto"` now chooses; None if nothing worked.
        verdict: in one sentence.
    """

    machine: str
    subject: str
    expansion: str
    targets: tuple[Target, ...]
    backends: tuple[BackendProfile, ...]
    placements: tuple[ProgramPlacement, ...]
    notes: tuple[str, ...]
    speeds: BackendSpeeds | None
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        """The profile for JSON, including values derived from the figures."""
        values = asdict(self)
        for backend, found in zip(values["backends"], self.backends, strict=True):
            for cell, call in zip(backend["calls"], found.calls, strict=True):
                cell["leaves_per_s"] = call.leaves_per_s
            for kind in ("steps", "reactive"):
                for cell, step in zip(backend[kind], getattr(found, kind), strict=True):
                    cell["decisions_per_s"] = step.decisions_per_s
            if found.energy is not None:
                backend["energy"]["mj_per_decision"] = found.energy.mj_per_decision
        for target, of in zip(values["targets"], self.targets, strict=True):
            target["name"], target["simulated"] = of.name, of.simulated
        values["auto"] = None if self.speeds is None else self.speeds.fastest
        values["published"] = [asdict(step) for step in CRYPTO_TABLE]
        return dict(finite(values))


def profile(
    subject: Subject,
    effort: Effort,
    say: Callable[[str], None] = lambda text: None,
) -> Profile:
    """Measure every available target for `subject`, and remember the speeds for "auto".

    Args:
        subject: the model.
        effort: what is measured, and for how long.
        say: receives what is being done.

    Raises:
        ConfigError: the environment names unknown compute units.
    """
    chosen = targets(subject.exports)
    backends = []
    for target in chosen:
        say(f"measuring {target.name}")
        backends.append(measure_in_child(subject, target, effort))
    planned: tuple[ProgramPlacement, ...] = ()
    for made_for, folder in subject.exports.items():
        if (runs_it := devices(made_for)) is not None:
            say(f"asking {format_named(made_for).title} where it would run each operation")
            planned += tuple(
                plan for units in runs_it.units for plan in runs_it.plan(folder, units)
            )
    speeds = _speeds(subject.model, chosen, backends, effort)
    if kernels := _kernel_rates(backends):
        kernel_choice.keep(kernels)
    if speeds is not None:
        _remember(subject, subject.config.search, backends, speeds)
        _remember_precisions(subject, backends, speeds)
    return Profile(
        machine=doctor.check_machine().detail,
        subject=subject.name,
        expansion=subject.expansion,
        targets=tuple(chosen),
        backends=tuple(backends),
        placements=planned,
        notes=tuple(_notes(subject, backends)),
        speeds=speeds,
        verdict=verdict(chosen, backends, planned, speeds, effort),
    )


def profile_run(
    run: Path | None, effort: Effort, say: Callable[[str], None] = lambda text: None
) -> Profile:
    """Measure every backend for the model of `run`, and keep the figures in its ``profile.json``.

    Args:
        run: folder; None for fx_micro with random weights, whose figures are not kept.
        effort: what is measured, and for how long.
        say: receives what is being done.

    Raises:
        RunError: the run does not exist, or has no checkpoint.
        ConfigError: the environment names unknown compute units.
    """
    found = profile(preset_subject() if run is None else run_subject(run), effort, say)
    if run is not None:
        write_text(run / "profile.json", json.dumps(found.as_dict(), allow_nan=False))
    return found


def _speeds(
    model: Model, chosen: list[Target], backends: list[BackendProfile], effort: Effort
) -> BackendSpeeds | None:
    """What each backend that can be chosen evaluates per second, in the largest steps measured.

    Roots are those of a model of market and account; those of a factored one are no choice. MLX and
    Apple's frameworks count with one device each: MLX's default, and the units a deployment uses.
    """
    plays: dict[ConcreteBackend, str] = {name: name for name in BACKENDS}
    plays["mlx"] = Target("mlx", "gpu" if has_gpu() else "cpu").name
    for backend, play in PLAYS.items():
        if play.engine != "sim":
            units = compute_units(play.format) if play.units is None else None
            plays[backend] = Target(backend, units=units).name
    leaves: dict[ConcreteBackend, float] = {}
    roots: dict[Backend, float] = {}
    for target, found in zip(chosen, backends, strict=True):
        if plays.get(target.backend) != target.name:
            continue
        if (step := found.step(max(effort.pairs), max(effort.simulations))) is not None:
            leaves[target.backend] = step.leaves_per_s
        if (root := found.step(max(effort.pairs), 0)) is not None:
            roots[target.backend] = root.decisions_per_s
    if isinstance(model, FactoredModel):
        roots = {}
    return BackendSpeeds(leaves, profiled=True, roots_per_s=roots) if leaves else None


def _remember(
    subject: Subject, search: SearchConfig, backends: list[BackendProfile], speeds: BackendSpeeds
) -> None:
    """Save speeds of `search`, as computed with the kernels that were found the fastest for it."""
    rates = _kernel_rates(backends).get(trained_precision(search), {})
    with kernel_choice.computing_with(kernel_choice.kernels_to_use(rates).name):
        remember(speed_key(subject.model, search), speeds)


def _remember_precisions(
    subject: Subject, backends: list[BackendProfile], speeds: BackendSpeeds
) -> None:
    """Save what the native backend evaluates per second in the precisions that were timed."""
    search = subject.config.search
    times = next((found.precisions for found in backends if found.precisions), ())
    over = {each.precision: each.over_float32 for each in times}
    own, rate = trained_precision(search), speeds.leaves_per_s.get("native")
    if rate is None or own not in over:
        return
    for precision in over.keys() - {own}:
        in_it = BackendSpeeds({"native": rate * over[precision] / over[own]}, profiled=True)
        _remember(subject, replace(search, precision=precision), backends, in_it)


def _kernel_rates(backends: list[BackendProfile]) -> dict[str, dict[str, float]]:
    """Steps per second in each precision with each set of kernels that was timed."""
    rates: dict[str, dict[str, float]] = {}
    for each in (times for found in backends for times in found.kernels):
        rates.setdefault(each.precision, {})[each.kernels] = 1e3 / each.p50_ms
    return rates


def _notes(subject: Subject, backends: list[BackendProfile]) -> list[str]:
    notes = []
    if kernels := _kernel_rates(backends):
        choices = {each: kernel_choice.kernels_to_use(rates) for each, rates in kernels.items()}
        named = ", ".join(f"{name} in {each} ({why})" for each, (name, why) in choices.items())
        notes.append(
            f"native computes with kernels {named}; what starts from now on does the same, unless "
            f"{kernel_choice.VARIABLE} names others"
        )
    for made_for, reason in subject.no_export.items():
        named = " and ".join(name for name, play in PLAYS.items() if play.format == made_for)
        notes.append(f"{named} not measured: {reason}")
    if "coreml" in subject.exports and sys.platform != "darwin":
        notes.append(
            "coreml not measured and no placement: Core ML needs macOS; coreml-sim computes "
            "what the programs would, at a speed that says nothing about a Mac"
        )
    if "coreai" in subject.exports and "gpu" not in format_named("coreai").units_here():
        notes.append(
            "coreai not measured: it needs macOS 27; coreai-cpu is Apple's runtime on this "
            "machine's CPU"
        )
    sampled = {found.target: found.energy for found in backends if found.energy is not None}
    whole = [
        f"{name} {energy.system_w:.2f} W, {energy.idle_w:.2f} W at rest"
        for name, energy in sampled.items()
        if energy.system_w is not None and energy.idle_w is not None
    ]
    if whole:
        notes.append(f"energy is the whole machine's beyond its rest: {'; '.join(whole)}")
    if len(sampled) > len(whole):
        notes.append(
            "energy is that of CPU, GPU and Neural Engine together where the power of the whole "
            "machine is not known; macmon tells it"
        )
    if not sampled:
        sampler = find_sampler()
        reason = (
            "macmon is not installed, and powermetrics is missing or needs root"
            if sampler is None
            else f"{sampler.command[0]} gave too few samples"
        )
        notes.append(f"energy not available: {reason}")
    return notes
