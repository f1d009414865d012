"""What a phase of learning is to the trainer, and what it is built from.

Learning itself is the same in all of them, but for the losses that count
(`mlx_muzero.training.phases.schedule`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from mlx_muzero.config.schema import Config
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.collector import Round
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.player import Player
from mlx_muzero.training.progress import Counters, Listener
from mlx_muzero.training.run import RunFolder
from mlx_muzero.training.training_journal import TrainingJournal
from mlx_muzero.types import I64, Advance


@dataclass(frozen=True, eq=False)
class PhaseContext:
    """What a phase works with.

    Attributes:
      config: of the run.
      dataset: bars, features and outcomes.
      rules: of trading.
      folder: of the run.
      validation_starts: where the sessions of a validation start, ``i64[E]``.
      player: plays what is learned.
      learner: of this phase.
      journal: where validations are written down.
      listener: told of them too.
    """

    config: Config
    dataset: MarketDataset
    rules: TradingRules
    folder: RunFolder
    validation_starts: I64
    player: Player
    learner: Learner
    journal: TrainingJournal
    listener: Listener


class Phase(ABC):
    """Where episodes come from, and how what was learned is validated."""

    def __init__(self, context: PhaseContext) -> None:
        self.context = context

    @abstractmethod
    def play_round(self, first_episode: int, count: int, tick: Advance) -> Round:
        """`count` episodes of the phase, from `first_episode` on."""

    @abstractmethod
    def validate(self, counters: Counters, tick: Advance) -> bool:
        """Validate the player's model, journal the result, note it in `counters`.

        Returns:
          Whether it is the best of the phase so far.
        """

    def learned(self) -> None:  # noqa: B027
        """Called after every training step; most phases have nothing to do then."""

    def events(self) -> Iterable[EngineEvent]:
        """What happened to exported programs since the last call."""
        return ()

    def close(self) -> None:  # noqa: B027
        """Abandon what is under way, where something is."""
