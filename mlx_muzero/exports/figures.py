"""What a verification measures, and the bounds an export has to keep."""

from dataclasses import asdict, dataclass
from typing import Any

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.interface import ProgramName
from mlx_muzero.exports.manifest import Precision
from mlx_muzero.exports.program import ComputeUnits, Engine
from mlx_muzero.untrusted.json_values import finite


@dataclass(frozen=True)
class OutputError:
    """One output of a program against the model, worst over its numbers of rows.

    Attributes:
        program: which program.
        output: which output.
        largest: largest absolute value the model gives.
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
    """How far programs are from the model after `steps` steps, each on its own latents.

    Attributes:
        steps: environment steps from the root.
        latent_frac: distance of the latents over their length, mean over the roots.
        policy: total variation of the policies, mean.
        value: absolute difference of the values, in units of the reward, mean.
        reward: absolute difference of the step's rewards, mean.
    """

    steps: int
    latent_frac: float
    policy: float
    value: float
    reward: float


@dataclass(frozen=True)
class Disagreement:
    """Two searches from one root that end with different actions, as the model's search sees them.

    Attributes:
        visits: of the model's action, less those of the other: 0 is a tie.
        q: value of the model's action, less that of the other, in units of the reward.
    """

    visits: int
    q: float


@dataclass(frozen=True)
class Agreement:
    """Searches with programs, from the observation on, against searches with the model.

    Attributes:
        simulations: of each search.
        decisions: searches of each kind.
        value: absolute difference of the root values, in units of the reward, mean.
        disagreements: one for each pair that ends with different actions.
    """

    simulations: int
    decisions: int
    value: float
    disagreements: tuple[Disagreement, ...]

    @property
    def rate(self) -> float:
        """Share of the decisions that are the same."""
        return 1.0 - len(self.disagreements) / self.decisions


@dataclass(frozen=True)
class EngineFigures:
    """One engine against the model.

    Attributes:
        engine: what ran the programs.
        compute_units: that Core ML was allowed to use; None for the interpreter.
        outputs: errors of every output.
        drift: after several numbers of steps; empty in a quick verification.
        agreement: of searches; None in a quick verification.
        failure: why it could not be run; empty if it was.
    """

    engine: Engine
    compute_units: ComputeUnits | None
    outputs: tuple[OutputError, ...] = ()
    drift: tuple[Drift, ...] = ()
    agreement: Agreement | None = None
    failure: str = ""

    @property
    def name(self) -> str:
        """What to call it."""
        return "interpreter" if self.compute_units is None else f"Core ML {self.compute_units}"

    def problems(self, precision: Precision) -> list[str]:
        """Bounds it does not keep, one sentence each."""
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
            found.append(
                f"searches agree on {self.agreement.rate:.1%} of {self.agreement.decisions} "
                f"decisions; {bounds.agreement:.0%} is required. The model itself sees a median "
                f"of {margins[len(margins) // 2]:.3g} in reward between the two actions"
            )
        return found


@dataclass(frozen=True)
class Bounds:
    """What an export of one precision has to keep.

    Attributes:
        output: largest error of an output over its largest value, or over 1 if that is more.
        drift: `Drift.latent_frac` after `BOUNDED_STEPS` steps.
        agreement: least share of decisions that are the same.
    """

    output: float
    drift: float
    agreement: float


BOUNDED_STEPS = 5
"""Drift is bounded after so many steps, and only reported later: searches look no further."""

BOUNDS: dict[Precision, Bounds] = {
    "fp16": Bounds(output=0.01, drift=0.01, agreement=0.99),
    "fp32": Bounds(output=1e-4, drift=1e-4, agreement=0.99),
}


@dataclass(frozen=True)
class Verification:
    """An export against its model, with every engine there is.

    Attributes:
        precision: of the export.
        samples: real situations they were compared on.
        engines: the interpreter first.
    """

    precision: Precision
    samples: int
    engines: tuple[EngineFigures, ...]

    def problems(self) -> list[str]:
        """What speaks against the export: the interpreter's, or that no Core ML unit can run it.

        A unit that fails is one not to be used, no fault of the export if another works.
        """
        interpreter, *units = self.engines
        found = interpreter.problems(self.precision)
        failed = [(unit, unit.problems(self.precision)) for unit in units]
        if units and all(problems for _, problems in failed):
            found += [f"{unit.name}: {problems[0]}" for unit, problems in failed]
        return found

    def failure(self) -> ExportError | None:
        """An error that names the problems; None if there are none."""
        problems = self.problems()
        if not problems:
            return None
        return ExportError(f"the export is not the model: {'; '.join(problems)}")

    def require_passed(self) -> None:
        """Raise if there are problems.

        Raises:
            ExportError: names them.
        """
        failed = self.failure()
        if failed is not None:
            raise failed

    def as_dict(self) -> dict[str, Any]:
        """All figures, for JSON, with each engine's problems and rate of agreement."""
        values = asdict(self)
        for engine, figures in zip(values["engines"], self.engines, strict=True):
            engine["problems"] = figures.problems(self.precision)
            if figures.agreement:
                engine["agreement"]["rate"] = figures.agreement.rate
        return dict(finite(values))
