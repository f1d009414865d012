"""The results of measuring one backend."""

from dataclasses import dataclass
from typing import Any

from mlx_muzero.config.choices import Precision
from mlx_muzero.profiling.energy import Energy


@dataclass(frozen=True)
class CallTimes:
    """Timings of expansions with a fixed number of leaves, called from Python.

    Attributes:
        leaves: leaves per call.
        first_ms: duration of the first call.
        p50_ms: median of the later calls.
        p90_ms: 90th percentile.
        p99_ms: 99th percentile.
        calls: number of the later calls.
    """

    leaves: int
    first_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    calls: int

    @property
    def leaves_per_s(self) -> float:
        """Leaves per second at the median."""
        return 1e3 * self.leaves / self.p50_ms


@dataclass(frozen=True)
class StepTimes:
    """Timings of decisions for several pairs at once, from observations to visits.

    Attributes:
        pairs: number of pairs searched together.
        simulations: simulations per pair; 0 is root inference alone, without search.
        p50_ms: median duration of a step, which decides for all pairs.
        p90_ms: 90th percentile.
        leaves_per_s: leaves evaluated by the searches per second.
        steps: number of steps timed.
    """

    pairs: int
    simulations: int
    p50_ms: float
    p90_ms: float
    leaves_per_s: float
    steps: int

    @property
    def decisions_per_s(self) -> float:
        """Decisions per second at the median."""
        return 1e3 * self.pairs / self.p50_ms


@dataclass(frozen=True)
class PrecisionTimes:
    """Timings of steps in one number format.

    Attributes:
        precision: as named in `search.precision`.
        p50_ms: median duration of a step.
        over_float32: how many times as many decisions it makes in the same time.
    """

    precision: Precision
    p50_ms: float
    over_float32: float


@dataclass(frozen=True)
class KernelTimes:
    """Timings of steps with one set of kernels in one number format.

    Attributes:
        precision: as named in `search.precision`.
        kernels: as named in `_core.kernels()`.
        instructions: what multiplies.
        p50_ms: median duration of a step.
        over_default: how many times as many decisions it makes in the same time as the default.
    """

    precision: Precision
    kernels: str
    instructions: str
    p50_ms: float
    over_default: float


@dataclass(frozen=True)
class BackendProfile:
    """Results of one target, measured in its own process.

    Attributes:
        target: its name.
        load_ms: time until it could be called: weights packed, or programs loaded and tested.
        calls: by number of leaves.
        steps: by pairs and simulations.
        reactive: decisions of the Transformer in `evaluation.transformer_policy`, which does not
            search, by number of pairs; only where MLX computes.
        memory_mb: peak memory of its process and its child, including Python and libraries.
        energy: energy of decisions; None without a sampler.
        precisions: the largest step in each number format, by turns; of the native backend alone.
        kernels: the same with each set of kernels that may be the fastest; empty where there is no
            choice. Everything else was measured with the one chosen in its format.
        failure: why it could not be measured; empty if it could.
    """

    target: str
    load_ms: float = 0.0
    calls: tuple[CallTimes, ...] = ()
    steps: tuple[StepTimes, ...] = ()
    reactive: tuple[StepTimes, ...] = ()
    memory_mb: float = 0.0
    energy: Energy | None = None
    precisions: tuple[PrecisionTimes, ...] = ()
    kernels: tuple[KernelTimes, ...] = ()
    failure: str = ""

    def step(self, pairs: int, simulations: int) -> StepTimes | None:
        """The timings for these numbers; None if they were not measured."""
        for step in self.steps:
            if (step.pairs, step.simulations) == (pairs, simulations):
                return step
        return None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "BackendProfile":
        """Inverse of `dataclasses.asdict`, through JSON."""
        energy = values["energy"]
        return cls(
            **values
            | {
                "calls": tuple(CallTimes(**call) for call in values["calls"]),
                "steps": tuple(StepTimes(**step) for step in values["steps"]),
                "reactive": tuple(StepTimes(**step) for step in values["reactive"]),
                "precisions": tuple(PrecisionTimes(**each) for each in values["precisions"]),
                "kernels": tuple(KernelTimes(**each) for each in values["kernels"]),
                "energy": None if energy is None else Energy(**energy),
            }
        )
