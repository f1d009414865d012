"""The progress of a training run, and the base of those who listen to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mlx_muzero.config.choices import PhaseName
from mlx_muzero.errors import RankLost
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.evaluation.value_ranking import ValueReport
from mlx_muzero.evaluation.world_model import WorldModelReport
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.training.learner import StepReport
from mlx_muzero.training.replay import Episodes
from mlx_muzero.untrusted.shapes import count, number, optional, record, sequence, text

Assessment = WorldModelReport | ValueReport
"""The result of a supervised phase's validation."""

Looked = Callable[[Metrics | None], None]
"""Called once for every validation, with its metrics if it played: each may choose the weights."""


class StopRequested(Exception):
    """Raised between two decisions or training steps if the caller wants the run to stop."""


@dataclass
class Counters:
    """The progress of a run; decides everything it does next.

    Attributes:
        phase: what is being learned; all counters except `saves` restart with each phase.
        episodes: episodes collected; in a phase that plays none, sessions' worth of progress.
        steps: training steps.
        validated_at: episodes at the last validation.
        saved_at: episodes at the last checkpoint.
        saves: number of checkpoints written, by which they are named.
        best_pips: result of the best validation so far, per trade or session (`train.best_by`).
        best_sqn: its system quality number, which breaks ties.
        best_sessions: scores of its sessions, in the order of `mlx_muzero.evaluation.race`.
        best_score: score of the best assessment so far, in a supervised phase.
    """

    phase: PhaseName = "search"
    episodes: int = 0
    steps: int = 0
    validated_at: int = 0
    saved_at: int = 0
    saves: int = 0
    best_pips: float | None = None
    best_sqn: float = 0.0
    best_sessions: list[float] = field(default_factory=list)
    best_score: float | None = None

    @classmethod
    def parsed(cls, facts: Any) -> "Counters":
        """Parse counters from a checkpoint's state.

        Raises:
            Malformed: they are invalid; the message says which.
        """
        counted = {name: value for name, value in _SHAPE(facts).items() if name in _FIELDS}
        return cls(**counted)


_FIELDS = {
    "phase": text,
    **dict.fromkeys(("episodes", "steps", "validated_at", "saved_at", "saves"), count),
    "best_pips": optional(number),
    "best_sqn": number,
    "best_sessions": sequence(number),
    "best_score": optional(number),
}
_SHAPE = record({}, _FIELDS)


class Listener:
    """Is told what the trainer does, as it happens, and ignores it: override what matters."""

    def phase_begun(self, counters: Counters, episodes: int) -> None:
        """A phase with `episodes` episodes starts, or resumes at `counters`."""

    def decided(self, count: int) -> None:
        """`count` more decisions were made."""

    def collected(self, episodes: Episodes, counters: Counters) -> None:
        """A round of episodes was added to the replay buffer."""

    def advanced(self, counters: Counters) -> None:
        """The episodes moved on in a phase that learns from bars and plays none."""

    def learned(self, report: StepReport, counters: Counters) -> None:
        """One training step is done."""

    def validated(
        self, metrics: Metrics, counters: Counters, is_best: bool, dropped_of: int | None
    ) -> None:
        """A validation is done; if early, `dropped_of` is how many sessions it might have had."""

    def assessed(self, assessment: Assessment, counters: Counters, is_best: bool) -> None:
        """A supervised phase was assessed."""

    def abandoned(self, error: RankLost) -> None:
        """Another rank is gone and this process cannot continue; all is saved and it should end."""

    def engine_changed(self, event: EngineEvent) -> None:
        """Something happened to the programs that collect."""
