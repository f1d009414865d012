"""Open questions about the Neural Engine that only a Mac can answer.

Each is answered as far as this machine allows. Without a Mac, that is one sentence and the results
of the NumPy interpreter with the same saved programs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mlx_muzero.exports.child import ChildLost
from mlx_muzero.exports.drift import drift
from mlx_muzero.exports.figures import Drift
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.output_errors import output_errors
from mlx_muzero.exports.placement import ProgramPlacement
from mlx_muzero.exports.program import ProgramSet
from mlx_muzero.exports.weights import sizes_of
from mlx_muzero.networks.kinds import require_muzero
from mlx_muzero.processes.isolated_call import CallFailed
from mlx_muzero.profiling.ane_lab import Lab
from mlx_muzero.profiling.core_ai_question import core_ai
from mlx_muzero.profiling.figures import BackendProfile
from mlx_muzero.profiling.measure import Effort, measure_in_child
from mlx_muzero.profiling.subject import Subject
from mlx_muzero.profiling.targets import Target, targets

Status = Literal["answered", "needs a Mac", "failed"]
Measure = Callable[[Subject, Target, Effort], BackendProfile]

ROWS = (16, 32, 64, 128)
EFFORT = Effort(batches=ROWS, pairs=(16,), simulations=(50,))

_MANY = ExportOptions(batches=ROWS)


@dataclass(frozen=True)
class Answer:
    """This machine's answer to one question.

    Attributes:
        question: in words.
        status: whether it was answered, needs a Mac, or failed.
        findings: one sentence each; without a Mac the first one says so.
        figures: the underlying figures, for JSON.
    """

    question: str
    status: Status
    findings: tuple[str, ...]
    figures: dict[str, Any]


@dataclass(frozen=True)
class Findings:
    """What a question's function returns: sentences and figures."""

    sentences: tuple[str, ...]
    figures: dict[str, Any]


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        text: in words.
        needs: why only a Mac can answer it.
        on_mac: asks Core ML.
        elsewhere: finds what is possible without Core ML.
    """

    text: str
    needs: str
    on_mac: Callable[[Lab], Findings]
    elsewhere: Callable[[Lab], Findings]


def ask(
    lab: Lab, measure: Measure = measure_in_child, say: Callable[[str], None] = lambda text: None
) -> Iterator[Answer]:
    """Yield the answers, in order; a failure does not stop later questions.

    Args:
        lab: provides model and exports.
        measure: measures a target.
        say: receives each question before it is examined.
    """
    for question in questions(measure):
        say(question.text)
        try:
            if lab.core_ml is not None:
                found = question.on_mac(lab)
                yield Answer(question.text, "answered", found.sentences, found.figures)
            else:
                found = question.elsewhere(lab)
                sentences = (f"This needs a Mac: {question.needs}.", *found.sentences)
                yield Answer(question.text, "needs a Mac", sentences, found.figures)
        except Exception as error:  # whatever a Mac may raise: the other questions matter too
            yield Answer(question.text, "failed", (f"{type(error).__name__}: {error}",), {})


def questions(measure: Measure) -> tuple[Question, ...]:
    """All questions."""

    def timed(lab: Lab) -> Findings:
        return _timed(lab, measure)

    return (
        Question(
            f"Does Core ML run `recurrent` with {_listed(ROWS)} rows on the Neural Engine at all?",
            "only Core ML's compute plan tells where it runs an operation",
            _placed,
            _as_saved,
        ),
        Question(
            "Does the Neural Engine take layer norm over the channels as one operation?",
            "only Core ML's compute plan tells where it runs an operation",
            _layer_norm_placed,
            _layer_norm_computed,
        ),
        Question(
            "How long does an expansion take on each compute unit, compared with the other "
            "backends?",
            "Core ML runs nowhere else; only the other backends can be timed here",
            timed,
            timed,
        ),
        Question(
            "Do compute plans cover every function of a package that holds several?",
            "only Core ML makes compute plans",
            _functions_placed,
            _functions_saved,
        ),
        Question(
            "How far from float32 are the device's latents after 5 and 50 steps?",
            "the interpreter rounds as float16 does, which is a model of the chip",
            _drift_on_device,
            _drift_interpreted,
        ),
        Question(
            "How do Core AI's units compare: loading anew and from the cache, a step, and errors?",
            "its GPU and Neural Engine need macOS 27; elsewhere its runtime has the CPU",
            _core_ai,
            _core_ai,
        ),
    )


def _core_ai(lab: Lab) -> Findings:
    return Findings(*core_ai(lab))


def _placed(lab: Lab) -> Findings:
    plans = _required(_plans(lab, _MANY))
    return Findings(tuple(_summary(plan) for plan in plans), {"plans": _as_figures(plans)})


def _as_saved(lab: Lab) -> Findings:
    sentences: list[str] = []
    figures: dict[str, Any] = {}
    for entry in Manifest.load(lab.exported(_MANY)).programs:
        kinds = ", ".join(f"{kind} {count}" for kind, count in entry.op_histogram.items())
        total = sum(entry.op_histogram.values())
        sentences.append(f"{entry.key} is saved as {total} operations in float16: {kinds}.")
        figures[entry.key] = entry.op_histogram
    return Findings(tuple(sentences), figures)


_LAYER_NORMS = (
    ("as one operation", ExportOptions(batches=(64,))),
    ("decomposed", ExportOptions(batches=(64,), layer_norm="decomposed")),
)


def _layer_norm_placed(lab: Lab) -> Findings:
    sentences: list[str] = []
    figures: dict[str, Any] = {}
    for words, options in _LAYER_NORMS:
        plans = _required(_plans(lab, options))
        figures[words] = _as_figures(plans)
        for plan in plans:
            only = replace(
                plan,
                operations=tuple(op for op in plan.operations if op.operation == "layer_norm"),
            )
            text = f"Layer norm {words}: {_summary(plan)}"
            if only.operations:
                text += f" Of layer norm itself: {_by_device(only)}."
            sentences.append(text)
    return Findings(tuple(sentences), figures)


def _layer_norm_computed(lab: Lab) -> Findings:
    sentences: list[str] = []
    figures: dict[str, Any] = {}
    model = lab.subject.model
    for words, options in _LAYER_NORMS:
        programs = lab.interpreted(lab.exported(options))
        errors = list(output_errors(programs, sizes_of(model), model, lab.samples))
        worst = max(errors, key=lambda error: error.worst / max(1.0, error.largest))
        figures[words] = {f"{error.program} {error.output}": error.worst for error in errors}
        sentences.append(
            f"Layer norm {words}: in the interpreter the worst output, {worst.program} "
            f"{worst.output}, is off by {worst.worst:.2g} where values reach {worst.largest:.3g}."
        )
    return Findings(tuple(sentences), figures)


def _timed(lab: Lab, measure: Measure) -> Findings:
    sentences: list[str] = []
    figures: dict[str, Any] = {}
    for target in targets(["coreml"] if lab.core_ml is not None else []):
        if target.simulated:
            continue
        found = measure(lab.deployed(_MANY), target, EFFORT)
        if found.failure:
            sentences.append(f"{target.name} failed: {found.failure}.")
            figures[target.name] = {"failure": found.failure}
            continue
        times = ", ".join(f"{call.leaves} leaves {call.p50_ms:.2f} ms" for call in found.calls)
        decisions = ", ".join(f"{step.decisions_per_s:,.0f}" for step in found.steps)
        sentences.append(
            f"{target.name}: {times}; 16 pairs with 50 simulations {decisions} decisions/s."
        )
        figures[target.name] = {str(call.leaves): call.p50_ms for call in found.calls}
    if all("failure" in times for times in figures.values()):
        raise CallFailed(" ".join(sentences))
    return Findings(tuple(sentences), figures)


_JOINED = ExportOptions(batches=(32, 64), multifunction=True)


def _functions_placed(lab: Lab) -> Findings:
    plans = _plans(lab, _JOINED)
    told = [plan for plan in plans if any(op.preferred for op in plan.operations)]
    head = f"Plans cover {len(told)} of {len(plans)} functions."
    return Findings((head, *(_summary(plan) for plan in plans)), {"plans": _as_figures(plans)})


def _functions_saved(lab: Lab) -> Findings:
    folder = lab.exported(_JOINED)
    entries = Manifest.load(folder).programs
    lab.interpreted(folder)
    names = ", ".join(entry.function or entry.key for entry in entries)
    sentence = f"The package holds {len(entries)} functions, each of which reads back: {names}."
    return Findings((sentence,), {"functions": len(entries)})


_DRIFT = ExportOptions(batches=(64,))


def _drift_on_device(lab: Lab) -> Findings:
    core_ml = lab.core_ml
    assert core_ml is not None
    sentences: list[str] = []
    figures: dict[str, Any] = {}
    folder = lab.exported(_DRIFT)
    for units in core_ml.units:
        try:
            with core_ml.programs(folder, units) as programs:
                steps = _drift(lab, programs)
        except ChildLost as lost:  # the other units matter too
            sentences.append(f"{units} failed: {lost}.")
            figures[units] = {"failure": str(lost)}
            continue
        sentences.append(f"{units}: {_drift_text(steps)}.")
        figures[units] = {str(step.steps): step.latent_frac for step in steps}
    if all("failure" in errors for errors in figures.values()):
        raise CallFailed(" ".join(sentences))
    return Findings(tuple(sentences), figures)


def _drift_interpreted(lab: Lab) -> Findings:
    steps = _drift(lab, lab.interpreted(lab.exported(_DRIFT)))
    figures = {str(step.steps): step.latent_frac for step in steps}
    return Findings((f"In the interpreter: {_drift_text(steps)}.",), {"interpreter": figures})


def _drift(lab: Lab, programs: ProgramSet) -> list[Drift]:
    model = require_muzero(lab.subject.model, "these programs")
    return list(drift(programs, sizes_of(model), model, lab.subject.table, lab.samples))


def _drift_text(steps: list[Drift]) -> str:
    return "latents off by " + ", ".join(
        f"{step.latent_frac:.3%} after {step.steps} step{'s' if step.steps > 1 else ''}"
        for step in steps
    )


def _plans(lab: Lab, options: ExportOptions) -> list[ProgramPlacement]:
    core_ml = lab.core_ml
    assert core_ml is not None
    folder: Path = lab.exported(options)
    return [plan for units in core_ml.units for plan in core_ml.plan(folder, units)]


def _required(plans: list[ProgramPlacement]) -> list[ProgramPlacement]:
    """Return `plans` unless all of them failed.

    Raises:
        CallFailed: all failed.
    """
    if all(plan.failure for plan in plans):
        raise CallFailed(f"no plan could be made: {plans[0].failure}")
    return plans


def _summary(plan: ProgramPlacement) -> str:
    head = f"{plan.program} with {plan.requested}"
    if plan.failure:
        return f"{head}: no plan, {plan.failure}."
    share = plan.cost_share("ANE")
    cost = "unknown" if share is None else f"{share:.0%}"
    return f"{head}: {_by_device(plan)}; {cost} of the estimated time on the Neural Engine."


def _by_device(plan: ProgramPlacement) -> str:
    return ", ".join(f"{count} operations on {name}" for name, count in plan.counts().items())


def _as_figures(plans: list[ProgramPlacement]) -> list[dict[str, Any]]:
    """The plans without single operations, which would fill pages."""
    return [
        {
            "program": plan.program,
            "requested": plan.requested,
            "operations": plan.counts(),
            "ane_cost_share": plan.cost_share("ANE"),
            "failure": plan.failure,
        }
        for plan in plans
    ]


def _listed(numbers: tuple[int, ...]) -> str:
    return f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
