"""What a training tells of itself, a round of episodes at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlx_muzero.errors import RankLost
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.exports.deployment import EngineEvent, warn
from mlx_muzero.training.learner import StepReport
from mlx_muzero.training.progress import Assessment, Counters
from mlx_muzero.training.replay import Episodes


@dataclass(frozen=True)
class Round:
    """A round of episodes, and what was learned and judged since the one before.

    Attributes:
        phase: "search", or a supervised phase before it: "world-model" or "value".
        episodes: collected so far in this phase.
        of_episodes: that the phase will have.
        steps: training steps so far in this phase.
        mean_reward: reward of an episode of this round, in the scheme's own unit.
        traded_frac: share of this round's episodes that ever held a position.
        loss: mean of the weighted sum of losses over the steps since the round before; None
            without a step.
        validation: metrics on validation sessions, if the search was validated since.
        assessment: what a supervised phase is worth, if that was judged since.
        is_best: whether the checkpoint is the best so far by either.
    """

    phase: str
    episodes: int
    of_episodes: int
    steps: int
    mean_reward: float
    traded_frac: float
    loss: float | None
    validation: Metrics | None
    assessment: Assessment | None
    is_best: bool


class RoundReporter:
    """A `training.progress.Listener` that calls back once a round.

    A round is complete, with what was learned from it and how that was judged, when the next one
    has been played or the training ends (`close`).

    Attributes:
        rounds: that are complete, in order.
        stopped: whether the callback wants no more.
    """

    def __init__(self, callback: Callable[[Round], bool | None] | None) -> None:
        self.rounds: list[Round] = []
        self.stopped = False
        self._callback = callback
        self._of_episodes = 0
        self._open: Round | None = None
        self._losses: list[float] = []

    def phase_begun(self, counters: Counters, episodes: int) -> None:
        """Take how long the phase is; the one before is over."""
        self.close()
        self._of_episodes = episodes

    def decided(self, count: int) -> None:
        """Nothing of a round."""

    def collected(self, episodes: Episodes, counters: Counters) -> None:
        """Complete the round before, and open the next."""
        self.close()
        self._open = Round(
            phase=counters.phase,
            episodes=counters.episodes,
            of_episodes=self._of_episodes,
            steps=counters.steps,
            mean_reward=float(episodes.reward.sum(axis=1, dtype=np.float64).mean()),
            traded_frac=float(episodes.traded().mean()),
            loss=None,
            validation=None,
            assessment=None,
            is_best=False,
        )

    def learned(self, report: StepReport, counters: Counters) -> None:
        """Count a step."""
        self._losses.append(report.total)
        self._judged(steps=counters.steps)

    def validated(self, metrics: Metrics, counters: Counters, is_best: bool) -> None:
        """Take a validation."""
        self._judged(validation=metrics, is_best=is_best)

    def assessed(self, assessment: Assessment, counters: Counters, is_best: bool) -> None:
        """Take what a supervised phase is worth."""
        self._judged(assessment=assessment, is_best=is_best)

    def abandoned(self, error: RankLost) -> None:
        """Not met with: a notebook trains alone."""

    def engine_changed(self, event: EngineEvent) -> None:
        """Warn of it."""
        warn(event)

    def close(self) -> None:
        """Complete the round that is open, and call back."""
        done, self._open = self._open, None
        losses, self._losses = self._losses, []
        if done is None:
            return
        done = replace(done, loss=sum(losses) / len(losses) if losses else None)
        self.rounds.append(done)
        if self._callback is not None and self._callback(done) is False:
            self.stopped = True

    def _judged(self, **figures: Any) -> None:
        if self._open is not None:  # a resumed run may learn before it plays
            self._open = replace(self._open, **figures)
