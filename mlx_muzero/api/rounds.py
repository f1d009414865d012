"""Reports the progress of a training, one round of episodes at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.exports.deployment import EngineEvent, warn
from mlx_muzero.training.learner import StepReport
from mlx_muzero.training.progress import Assessment, Counters, Listener
from mlx_muzero.training.replay import Episodes


@dataclass(frozen=True)
class Round:
    """A round of episodes, and what was learned and validated since the previous round.

    Attributes:
        phase: "search", or a supervised phase before it: "world-model" or "value".
        episodes: episodes collected so far in this phase.
        of_episodes: total episodes of the phase.
        steps: training steps so far in this phase.
        mean_reward: mean reward per episode of this round, in the scheme's own unit; None if none
            was played, because a factored model learns from bars.
        traded_frac: share of this round's episodes that held a position at any time; None as well.
        loss: mean total loss over the steps since the previous round; None without a step.
        validation: validation metrics, if the search was validated since then.
        assessment: result of a supervised phase's assessment, if there was one since then.
        is_best: whether the checkpoint is the best so far by either.
    """

    phase: str
    episodes: int
    of_episodes: int
    steps: int
    mean_reward: float | None
    traded_frac: float | None
    loss: float | None
    validation: Metrics | None
    assessment: Assessment | None
    is_best: bool


class RoundReporter(Listener):
    """Calls back once per round.

    A round is complete, with what was learned from it and its validation, when the next one has
    been played or the training ends (`close`).

    Attributes:
        rounds: the completed rounds, in order.
        stopped: whether the callback asked to stop.
    """

    def __init__(self, callback: Callable[[Round], bool | None] | None) -> None:
        self.rounds: list[Round] = []
        self.stopped = False
        self._callback = callback
        self._of_episodes = 0
        self._open: Round | None = None
        self._losses: list[float] = []

    def phase_begun(self, counters: Counters, episodes: int) -> None:
        """End the previous phase, and note the length of the new one."""
        self.close()
        self._of_episodes = episodes

    def collected(self, episodes: Episodes, counters: Counters) -> None:
        """Complete the previous round, and open the next."""
        self._begin(
            counters,
            mean_reward=float(episodes.reward.sum(axis=1, dtype=np.float64).mean()),
            traded_frac=float(episodes.traded().mean()),
        )

    def advanced(self, counters: Counters) -> None:
        """Complete the previous round, and open the next, in which nothing is played."""
        self._begin(counters, mean_reward=None, traded_frac=None)

    def learned(self, report: StepReport, counters: Counters) -> None:
        """Count a training step."""
        self._losses.append(report.total)
        self._judged(steps=counters.steps)

    def validated(
        self, metrics: Metrics, counters: Counters, is_best: bool, dropped_of: int | None
    ) -> None:
        """Record a validation."""
        self._judged(validation=metrics, is_best=is_best)

    def assessed(self, assessment: Assessment, counters: Counters, is_best: bool) -> None:
        """Record the assessment of a supervised phase."""
        self._judged(assessment=assessment, is_best=is_best)

    def engine_changed(self, event: EngineEvent) -> None:
        """Show a warning."""
        warn(event)

    def close(self) -> None:
        """Complete the open round, and call back."""
        done, self._open = self._open, None
        losses, self._losses = self._losses, []
        if done is None:
            return
        done = replace(done, loss=sum(losses) / len(losses) if losses else None)
        self.rounds.append(done)
        if self._callback is not None and self._callback(done) is False:
            self.stopped = True

    def _begin(
        self, counters: Counters, *, mean_reward: float | None, traded_frac: float | None
    ) -> None:
        self.close()
        self._open = Round(
            phase=counters.phase,
            episodes=counters.episodes,
            of_episodes=self._of_episodes,
            steps=counters.steps,
            mean_reward=mean_reward,
            traded_frac=traded_frac,
            loss=None,
            validation=None,
            assessment=None,
            is_best=False,
        )

    def _judged(self, **figures: Any) -> None:
        if self._open is not None:  # a resumed run may learn before it plays
            self._open = replace(self._open, **figures)
