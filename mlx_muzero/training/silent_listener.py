"""A listener of a training that says nothing, for those that care about some of it."""

from mlx_muzero.errors import RankLost
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.training.learner import StepReport
from mlx_muzero.training.progress import Assessment, Counters, Listener
from mlx_muzero.training.replay import Episodes


class SilentListener(Listener):
    """Takes note of nothing."""

    def phase_begun(self, counters: Counters, episodes: int) -> None:
        """Do nothing."""

    def decided(self, count: int) -> None:
        """Do nothing."""

    def collected(self, episodes: Episodes, counters: Counters) -> None:
        """Do nothing."""

    def advanced(self, counters: Counters) -> None:
        """Do nothing."""

    def learned(self, report: StepReport, counters: Counters) -> None:
        """Do nothing."""

    def validated(
        self, metrics: Metrics, counters: Counters, is_best: bool, dropped_of: int | None
    ) -> None:
        """Do nothing."""

    def assessed(self, assessment: Assessment, counters: Counters, is_best: bool) -> None:
        """Do nothing."""

    def abandoned(self, error: RankLost) -> None:
        """Do nothing."""

    def engine_changed(self, event: EngineEvent) -> None:
        """Do nothing."""
