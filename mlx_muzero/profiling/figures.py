"""What measuring one backend gives."""

from dataclasses import dataclass
from typing import Any

from mlx_muzero.profiling.energy import Energy


@dataclass(frozen=True)
class CallTimes:
    """Expansions of one number of leaves, called from Python.

    Attributes:
        leaves: in one call.
        first_ms: the first call with so many.
        p50_ms: median of the calls after it.
        p90_ms: 90th percentile.
        p99_ms: 99th percentile.
        calls: how many those were.
    """

    leaves: int
    first_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    calls: int

    @property
    def leaves_per_s(self) -> float:
        """At the median."""
        return 1e3 * self.leaves / self.p50_ms


@dataclass(frozen=True)
class StepTimes:
    """Decisions for several pairs at once, from their observations to their visits.

    Attributes:
        pairs: searched together.
        simulations: of each; 0 is root inference alone, no search.
        p50_ms: median time of a step, which decides for all pairs.
        p90_ms: 90th percentile.
        leaves_per_s: evaluated by the searches.
        steps: how many were timed.
    """

    pairs: int
    simulations: int
    p50_ms: float
    p90_ms: float
    leaves_per_s: float
    steps: int

    @property
    def decisions_per_s(self) -> float:
        """At the median."""
        return 1e3 * self.pairs / self.p50_ms


@dataclass(frozen=True)
class BackendProfile:
    """One target, measured in a process of its own.

    Attributes:
        target: its name.
        load_ms: until it could be called: weights packed, or programs loaded and tested.
        calls: by number of leaves.
        steps: by pairs and simulations.
        reactive: decisions of `evaluation.transformer_policy`'s Transformer, which searches
            nothing, by pairs; where MLX computes.
        memory_mb: most memory its process and its child's ever held, Python and libraries included.
        energy: of decisions; None where there is no sampler.
        failure: why it could not be measured; empty if it could.
    """

    target: str
    load_ms: float = 0.0
    calls: tuple[CallTimes, ...] = ()
    steps: tuple[StepTimes, ...] = ()
    reactive: tuple[StepTimes, ...] = ()
    memory_mb: float = 0.0
    energy: Energy | None = None
    failure: str = ""

    def step(self, pairs: int, simulations: int) -> StepTimes | None:
        """The times of that cell; None if it was not measured."""
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
                "energy": None if energy is None else Energy(**energy),
            }
        )
