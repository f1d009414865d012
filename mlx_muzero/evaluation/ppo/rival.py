"""The rival of a run: the best of several trainings by the validation split."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mlx_muzero.evaluation.ppo.policy import PPOPolicy


@dataclass(frozen=True)
class Trial:
    """One training with settings of its own.

    Attributes:
        settings: as `Recipe`, by name.
        seed: of the training.
        updates: that it made.
        chosen_updates: of the weights that were kept; 0 if nothing it learned paid.
        net_pips: a session, that these earned on the validation split.
    """

    settings: Mapping[str, float]
    seed: int
    updates: int
    chosen_updates: int
    net_pips: float


@dataclass(frozen=True, eq=False)
class Rival:
    """A policy chosen among trials.

    Attributes:
        policy: of the best trial.
        trials: all of them, in the order in which they were made.
        minutes: that each took at most; None if a number of updates was asked for.
    """

    policy: PPOPolicy
    trials: tuple[Trial, ...]
    minutes: float | None

    @property
    def chosen(self) -> int:
        """Number of the best trial, from 1."""
        return best_of(self.trials)

    def as_dict(self) -> dict[str, Any]:
        """How it was made, for JSON."""
        return {
            "trials": [asdict(trial) for trial in self.trials],
            "chosen": self.chosen,
            "minutes": self.minutes,
        }


def best_of(trials: tuple[Trial, ...]) -> int:
    """Number of the trial that earned most on the validation split, from 1; the first of equals."""
    return 1 + max(range(len(trials)), key=lambda number: trials[number].net_pips)
