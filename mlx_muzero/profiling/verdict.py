"""Summarizes a profile in one sentence."""

from collections.abc import Sequence

from mlx_muzero.agent.backend_speeds import BackendSpeeds
from mlx_muzero.exports.placement import ProgramPlacement
from mlx_muzero.exports.program import usual_root
from mlx_muzero.profiling.figures import BackendProfile, StepTimes
from mlx_muzero.profiling.measure import Effort
from mlx_muzero.profiling.targets import Target

NEURAL_ENGINE = Target("coreml", units="CPU_AND_NE").name


def verdict(
    targets: Sequence[Target],
    backends: Sequence[BackendProfile],
    placements: Sequence[ProgramPlacement],
    speeds: BackendSpeeds | None,
    effort: Effort,
) -> str:
    """Which target decides fastest in the largest step, and what "auto" chooses."""
    pairs, simulations = max(effort.pairs), max(effort.simulations)
    ranked: list[tuple[str, StepTimes]] = sorted(
        (
            (target.name, step)
            for target, found in zip(targets, backends, strict=True)
            if not target.simulated and (step := found.step(pairs, simulations)) is not None
        ),
        key=lambda named: named[1].p50_ms,
    )
    if not ranked or speeds is None:
        return "Nothing could be measured on this machine: see the failures."
    (name, best), *others = ranked
    text = (
        f"{name} decides fastest here: {pairs} pairs with {simulations} simulations in "
        f"{_milliseconds(best.p50_ms)}, {best.decisions_per_s:,.0f} decisions/s"
    )
    if others:
        second, step = others[0]
        text += f", {step.p50_ms / best.p50_ms:.1f} times as fast as {second}"
    if any(other == NEURAL_ENGINE for other, _ in ranked):
        text += f"; {_on_the_neural_engine(placements)}"
    text += f'; search.backend = "auto" takes {speeds.fastest}'
    if speeds.roots_per_s:
        usual = usual_root(speeds.fastest)
        text += f", and {speeds.root_instead_of(usual, speeds.roots_per_s)} for the roots"
    return f"{text}."


def _milliseconds(duration_ms: float) -> str:
    return f"{duration_ms:,.0f} ms" if duration_ms >= 10.0 else f"{duration_ms:.2g} ms"


def _on_the_neural_engine(placements: Sequence[ProgramPlacement]) -> str:
    """What became of the request for the Neural Engine."""
    asked = [
        plan.cost_share("ANE")
        for plan in placements
        if plan.requested == "CPU_AND_NE" and not plan.program.startswith("initial_")
    ]
    shares = [share for share in asked if share is not None]
    if not shares:
        return "where Core ML runs the programs meant for the Neural Engine is unknown"
    low, high = min(shares), max(shares)
    if high == 0:
        return "Core ML plans none of the search's programs for the Neural Engine"
    return f"Core ML plans {low:.0%} to {high:.0%} of the search's programs for the Neural Engine"
