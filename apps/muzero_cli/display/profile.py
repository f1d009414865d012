"""A profile as tables."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mlx_muzero.exports.placement import OpPlacement, ProgramPlacement
from mlx_muzero.profiling.figures import BackendProfile
from mlx_muzero.profiling.profile import Profile
from mlx_muzero.profiling.published import CRYPTO_TABLE


def profile_tables(profile: Profile) -> Group:
    """Every figure, the published ones for comparison, and the verdict."""
    parts: list[RenderableType] = [Text(profile.machine), Text(profile.subject)]
    parts += ["", Text(f"Expansions from Python ({profile.expansion}), ms"), _calls(profile)]
    parts += ["", Text("Steps: decisions for all pairs at once, including root inference")]
    parts += [_steps(profile), *_kernels(profile), *_precisions(profile)]
    parts += ["", Text("Loading, memory and energy"), _costs(profile)]
    parts += ["", Text("The crypto specification's figures (other networks, on an M4) and ours")]
    parts += [_published(profile)]
    for placement in profile.placements:
        parts += ["", *_placement(placement)]
    parts += ["", *(Text(note) for note in profile.notes), Text(profile.verdict, "bold")]
    return Group(*parts)


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _measured(profile: Profile) -> Iterator[tuple[str, BackendProfile]]:
    """Every target that was measured, under a name that marks simulations."""
    for target, found in zip(profile.targets, profile.backends, strict=True):
        if not found.failure:
            yield f"{target.name} (simulation)" if target.simulated else target.name, found


def _calls(profile: Profile) -> Table:
    table = _table("backend", "leaves", "first", "p50", "p90", "p99", "calls", "leaves/s")
    for name, found in _measured(profile):
        for call in found.calls:
            times = (call.first_ms, call.p50_ms, call.p90_ms, call.p99_ms)
            table.add_row(
                name,
                str(call.leaves),
                *(f"{ms:,.2f}" for ms in times),
                str(call.calls),
                f"{call.leaves_per_s:,.0f}",
            )
            name = ""
    return table


def _steps(profile: Profile) -> Table:
    table = _table("backend", "pairs", "simulations", "p50 ms", "p90 ms", "decisions/s", "leaves/s")
    for name, found in _measured(profile):
        for step in found.steps:
            table.add_row(
                name,
                str(step.pairs),
                str(step.simulations) if step.simulations else "none",
                f"{step.p50_ms:,.2f}",
                f"{step.p90_ms:,.2f}",
                f"{step.decisions_per_s:,.0f}",
                f"{step.leaves_per_s:,.0f}" if step.simulations else "-",
            )
            name = ""
    return table


def _kernels(profile: Profile) -> list[RenderableType]:
    """The native backend's sets of kernels next to each other; nothing if there is no choice."""
    times = [each for _, found in _measured(profile) for each in found.kernels]
    if not times:
        return []
    default = times[0].kernels
    table = _table("kernels", "precision", "multiply by", "p50 ms", f"times {default}")
    for each in times:
        milliseconds, over = f"{each.p50_ms:,.2f}", f"{each.over_default:.2f}"
        table.add_row(each.kernels, each.precision, each.instructions, milliseconds, over)
    return ["", Text("The native backend's kernels in the largest step"), table]


def _precisions(profile: Profile) -> list[RenderableType]:
    """The native backend's number formats next to each other; nothing if it was not measured."""
    times = [each for _, found in _measured(profile) for each in found.precisions]
    if not times:
        return []
    table = _table("precision", "p50 ms", "times float32")
    for each in times:
        table.add_row(each.precision, f"{each.p50_ms:,.2f}", f"{each.over_float32:.2f}")
    heading = (
        "The native backend's number formats in the largest step; where search.precision is "
        '"auto", a run is played in the fastest that mlx-muzero verify RUN --precision passed'
    )
    return ["", Text(heading), table]


def _costs(profile: Profile) -> Table:
    table = _table("backend", "load ms", "memory MB", "mJ/decision", "CPU W", "GPU W", "ANE W")
    for name, found in _measured(profile):
        energy = found.energy
        watts = ["not available", "-", "-", "-"]
        if energy is not None:
            watts = [f"{energy.mj_per_decision:,.1f}"]
            watts += [f"{power:.2f}" for power in (energy.cpu_w, energy.gpu_w, energy.ane_w)]
        table.add_row(name, f"{found.load_ms:,.1f}", f"{found.memory_mb:,.0f}", *watts)
    for found in profile.backends:
        if found.failure:
            table.add_row(found.target, "failed")
            table.add_row(Text(f"  {found.failure}", overflow="fold"))
    return table


def _published(profile: Profile) -> Table:
    """Each published figure, next to the fastest real target at the largest number of pairs."""
    table = _table("step", "published ms", "here ms", "by", "for")
    for published in CRYPTO_TABLE:
        span = f"{published.low_ms:.0f}"
        if published.high_ms != published.low_ms:
            span += f"-{published.high_ms:.0f}"
        steps = [
            (step.p50_ms, target.name, step.pairs)
            for target, found in zip(profile.targets, profile.backends, strict=True)
            for step in (found.steps if published.simulations else found.reactive)
            if not target.simulated and step.simulations == published.simulations
        ]
        most = max((pairs for _, _, pairs in steps), default=0)
        here = min((step for step in steps if step[2] == most), default=None)
        measured = ("-", "-", "-")
        if here is not None:
            measured = (f"{here[0]:,.1f}", here[1], f"{here[2]} pairs")
        table.add_row(published.what, span, *measured)
    return table


def _placement(placement: ProgramPlacement) -> list[RenderableType]:
    """The plan of a program: one line per kind of operation and device."""
    head = Text(f"{placement.program}, {placement.requested} requested: ")
    if placement.failure:
        return [head.append(f"no plan, {placement.failure}")]
    counts = placement.counts()
    head.append(", ".join(f"{count} on {device}" for device, count in counts.items()))
    for why, count in placement.refusals().items():
        head.append(f"; {count} not on the Neural Engine: {why}")
    table = _table("operation", "preferred", "operations", "cost share")
    kinds: defaultdict[tuple[str, str], list[OpPlacement]] = defaultdict(list)
    for op in placement.operations:
        kinds[op.operation, op.preferred or "undetermined"].append(op)
    for (kind, device), ops in kinds.items():
        table.add_row(kind, device, str(len(ops)), _share(ops))
    return [head, table]


def _share(ops: Sequence[OpPlacement]) -> str:
    costs = [op.cost for op in ops if op.cost is not None]
    return f"{sum(costs):.1%}" if costs else "unknown"
