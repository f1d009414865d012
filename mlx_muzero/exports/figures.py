"""The results of a verification, and the bounds an export has to meet."""

from dataclasses import asdict, dataclass
from typing import Any

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.formats import format_named
from mlx_muzero.exports.interface import ProgramName
from mlx_muzero.exports.manifest import Exactness
from mlx_muzero.exports.program import ComputeUnits, Engine
from mlx_muzero.untrusted.json_values import finite


@dataclass(frozen=True)
class OutputError:
    """Error of one output of a program against the model, worst over its numbers of rows.

    Attributes:
        program: the program.
        output: the output.
        largest: largest absolute value from the model.
        worst: largest absolute difference.
        typical: root mean square of the difference.
    """

    program: ProgramName
    output: str
    largest: float
    worst: float
    typical: float


@dataclass(frozen=True)
class Drift:
    """Distance of programs from the model after `steps` steps, each on its own latents.

    A factored model has no policy and no rewards; its outcomes' probabilities, the worth of
    positions and the moves of bars stand for them.

    Attributes:
        steps: environment steps from the root.
        latent_frac: mean over the roots of the latents' distance divided by their length.
        policy: mean total variation distance of the policies, or of the outcomes.
        value: mean absolute difference of the values, in units of the reward (pips).
        reward: mean absolute difference of the step's rewards, or of its move in pips.
    """

    steps: int
    latent_frac: float
    policy: float
    value: float
    reward: float


@dataclass(frozen=True)
class Disagreement:
    """Two searches from one root that end with different actions, judged by the model's search.

    Attributes:
        visits: visits of the model's action minus those of the other; 0 is a tie.
        q: value of the model's action minus that of the other, in units of the reward.
    """

    visits: int
    q: float


@dataclass(frozen=True)
class Agreement:
    """Searches with programs, starting from the observation, against searches with the model.

    Attributes:
        simulations: simulations per search.
        decisions: number of searches of each kind.
        value: mean absolute difference of the root values, in units of the reward.
        disagreements: one for each pair of searches that ends with different actions.
    """

    simulations: int
    decisions: int
    value: float
    disagreements: tuple[Disagreement, ...]

    @property
    def rate(self) -> float:
        """Share of identical decisions."""
        return 1.0 - len(self.disagreements) / self.decisions


@dataclass(frozen=True)
class EngineFigures:
    """Results of one engine against the model.

    Attributes:
        engine: ran the programs.
        compute_units: units its framework was allowed to use; None for the interpreter.
        outputs: errors of every output.
        drift: drift after several numbers of steps; empty in a quick verification.
        agreement: agreement of searches; None in a quick verification.
        failure: why the engine could not run; empty if it did.
    """

    engine: Engine
    compute_units: ComputeUnits | None
    outputs: tuple[OutputError, ...] = ()
    drift: tuple[Drift, ...] = ()
    agreement: Agreement | None = None
    failure: str = ""

    @property
    def name(self) -> str:
        """Display name."""
        if self.engine == "sim":
            return "interpreter"
        return f"{format_named(self.engine).title} {self.compute_units}"

    def problems(self, precision: Exactness) -> list[str]:
        """The bounds it violates, one sentence each."""
        if self.failure:
            return [self.failure]
        bounds = BOUNDS[precision]
        found = [
            f"{error.program} {error.output} is off by {error.worst:.3g} where values reach "
            f"{error.largest:.3g}; {bounds.output:.2g} of that is allowed"
            for error in self.outputs
            if not error.worst <= bounds.output * max(1.0, error.largest)
        ]
        found += [
            f"latents are off by {drift.latent_frac:.2%} after {drift.steps} steps; "
            f"{bounds.drift:.2%} is allowed"
            for drift in self.drift
            if drift.steps == BOUNDED_STEPS and not drift.latent_frac <= bounds.drift
        ]
        if self.agreement and self.agreement.rate < bounds.agreement:
            margins = sorted(d.q for d in self.agreement.disagreements)
            margin = margins[len(margins) // 2]
            text = (
                f"searches agree on {self.agreement.rate:.1%} of {self.agreement.decisions} "
                f"decisions; {bounds.agreement:.0%} is required. The model itself sees a median "
                f"of {margin:.3g} in reward between the two actions"
            )
            if abs(margin) <= _TIES * self.agreement.value:
                text += (
                    f", hardly more than rounding moves the values ({self.agreement.value:.3g} on "
                    "average): they are as good as ties, as those of networks that have hardly "
                    "been trained. Where actions are ties, agreement cannot tell a right export "
                    "from a wrong one; train further and export then, or play the model itself "
                    "(--backend native)"
                )
            found.append(text)
        return found


@dataclass(frozen=True)
class Bounds:
    """Bounds that an export with a given precision has to meet.

    Attributes:
        output: largest error of an output relative to its largest value, or to 1 if that is more.
        drift: `Drift.latent_frac` after `BOUNDED_STEPS` steps.
        agreement: minimum share of identical decisions.
    """

    output: float
    drift: float
    agreement: float


_TIES = 3.0
"""Actions are as good as equal if their values differ by this many times the usual error."""

BOUNDED_STEPS = 5
"""Drift is bounded up to this step, and only reported after it: searches look no further."""

BOUNDS: dict[Exactness, Bounds] = {
    "fp16": Bounds(output=0.01, drift=0.01, agreement=0.99),
    "int8": Bounds(output=0.05, drift=0.05, agreement=0.97),
    "fp32": Bounds(output=1e-4, drift=1e-4, agreement=0.99),
}


@dataclass(frozen=True)
class Verification:
    """An export compared with its model, on every available engine.

    Attributes:
        precision: the export's precision.
        samples: number of real situations compared.
        engines: results by engine, the interpreter first.
    """

    precision: Exactness
    samples: int
    engines: tuple[EngineFigures, ...]

    def problems(self) -> list[str]:
        """Problems of the export: the interpreter's, or that no unit can run it.

        One failing unit is not the export's fault if another works; it just should not be used.
        """
        interpreter, *units = self.engines
        found = interpreter.problems(self.precision)
        failed = [(unit, unit.problems(self.precision)) for unit in units]
        if units and all(problems for _, problems in failed):
            found += [f"{unit.name}: {problems[0]}" for unit, problems in failed]
        return found

    def failure(self) -> ExportError | None:
        """An error that lists the problems; None if there are none."""
        problems = self.problems()
        if not problems:
            return None
        return ExportError(f"the export differs from the model: {'; '.join(problems)}")

    def require_passed(self) -> None:
        """Raise an error if there are problems.

        Raises:
            ExportError: lists them.
        """
        failed = self.failure()
        if failed is not None:
            raise failed

    def as_dict(self) -> dict[str, Any]:
        """All results for JSON, with each engine's problems and rate of agreement."""
        values = asdict(self)
        for engine, figures in zip(values["engines"], self.engines, strict=True):
            engine["problems"] = figures.problems(self.precision)
            if figures.agreement:
                engine["agreement"]["rate"] = figures.agreement.rate
        return dict(finite(values))
