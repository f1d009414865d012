"""What the phases before the search share: scripted episodes and a score of the predictions."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from mlx_muzero.config.choices import Behavior
from mlx_muzero.training.collector import Round
from mlx_muzero.training.phases.phase import Phase, PhaseContext
from mlx_muzero.training.phases.scripted_collector import ScriptedCollector
from mlx_muzero.training.progress import Assessment, Counters
from mlx_muzero.training.replay import Episodes
from mlx_muzero.types import I64, Advance

_ROWS_AT_ONCE = 256
"""Positions judged together: enough to occupy a GPU, few enough for any memory."""


class SupervisedPhase(Phase):
    """A phase in which scripted `players` play, in training and in validations."""

    def __init__(self, context: PhaseContext, players: Sequence[Behavior]) -> None:
        super().__init__(context)
        self._collector = ScriptedCollector(context.config, context.dataset, context.rules, players)

    def play_round(self, first_episode: int, count: int, tick: Advance) -> Round:
        """Play `count` episodes, the players taking turns."""
        return self._collector.play_round(first_episode, count, tick)

    def validate(self, counters: Counters, tick: Advance) -> bool:
        """Assess the model on the validation sessions; the highest score is best."""
        context, assessment = self.context, self.assess(tick)
        counters.validated_at = counters.episodes
        is_best = counters.best_score is None or assessment.score > counters.best_score
        if is_best:
            counters.best_score = assessment.score
        context.journal.assessed(assessment, counters, is_best)
        context.listener.assessed(assessment, counters, is_best)
        context.looked(None)
        return is_best

    def assess(self, tick: Advance) -> Assessment:
        """Judge the player's model on episodes of the validation sessions."""
        starts = self.context.validation_starts
        number = np.arange(len(starts), dtype=np.int64)
        return self.judge(self._collector.play(starts, number, tick), tick)

    @abstractmethod
    def judge(self, episodes: Episodes, tick: Advance) -> Assessment:
        """Compare the predictions of the player's model for `episodes` with what happened."""


def chunks(rows: int) -> Iterator[I64]:
    """Yield indices of `rows` rows in chunks small enough to judge together."""
    for first in range(0, rows, _ROWS_AT_ONCE):
        yield np.arange(first, min(first + _ROWS_AT_ONCE, rows))
