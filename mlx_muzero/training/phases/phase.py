"""The interface of a phase of learning, and what phases are built from.

Learning itself is the same in all phases except for the losses that count
(`mlx_muzero.training.phases.schedule`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from mlx_muzero.config.schema import Config
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.networks.kinds import require_muzero
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.collector import Round
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.player import Player
from mlx_muzero.training.progress import Counters, Listener, Looked
from mlx_muzero.training.run import RunFolder
from mlx_muzero.training.training_journal import TrainingJournal
from mlx_muzero.types import I64, Advance


@dataclass(frozen=True, eq=False)
class PhaseContext:
    """What a phase works with.

    Attributes:
        config: the run's configuration.
        dataset: bars, features and outcomes.
        rules: trading rules.
        folder: the run's folder.
        validation_starts: session starts of a validation, ``i64[E]``.
        player: plays with what has been learned.
        learner: learner of this phase.
        journal: records validations.
        listener: is notified of validations.
        looked: is called for each of them.
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
    looked: Looked

    @property
    def muzero(self) -> StochasticMuZero:
        """The player's model, in a phase that teaches a model of market and account."""
        return require_muzero(self.player.model, f"train.phase = {self.config.train.phase!r}")


class Phase(ABC):
    """Provides episodes and validates what was learned from them."""

    def __init__(self, context: PhaseContext) -> None:
        self.context = context

    @abstractmethod
    def play_round(self, first_episode: int, count: int, tick: Advance) -> Round | None:
        """Play `count` episodes of the phase, from `first_episode` on.

        None if the phase learns from bars and plays nothing.
        """

    def play_ahead(self, first_episode: int) -> bool:
        """Begin the round that `play_round` will ask for next; whether it was begun."""
        return False

    @abstractmethod
    def validate(self, counters: Counters, tick: Advance) -> bool:
        """Validate the player's model, journal the result and record it in `counters`.

        Returns:
            Whether it is the best of the phase so far.
        """

    def learned(self) -> None:  # noqa: B027
        """Called after every training step; does nothing in most phases."""

    def events(self) -> Iterable[EngineEvent]:
        """What happened to exported programs since the last call."""
        return ()

    def close(self) -> None:  # noqa: B027
        """Abandon any work in progress."""
