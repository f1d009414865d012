"""Where a run keeps its rival: a checkpoint for each trial, which knows all trials before it.

A trial is kept whole or not at all, as checkpoints are (ADR 22), so a training of several trials
that is killed goes on after the last one that ended.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import mlx.core as mx

from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.ppo.rival import Trial, best_of
from mlx_muzero.files.regular import require_folder
from mlx_muzero.training.checkpoint import Checkpoint, CheckpointStore, load_state, load_weights
from mlx_muzero.untrusted.shapes import (
    Malformed,
    count,
    mapping,
    number,
    optional,
    record,
    sequence,
    text,
)

MOST_TRIALS = 1000


@dataclass(frozen=True)
class Asked:
    """What all trials of a rival have in common.

    Attributes:
        digest: SHA-256 of the run's configuration and bars, and of what the trials may vary.
        seed: of the first trial; each further one has the next.
        minutes: that each may take; None if `updates` says it.
        updates: that each makes; None if `minutes` says it.
    """

    digest: str
    seed: int
    minutes: float | None
    updates: int | None

    @property
    def words(self) -> str:
        """The options that ask for it."""
        budget = (
            f"--updates {self.updates}" if self.updates else f"--minutes {self.minutes or 0.0:g}"
        )
        return f"{budget} --seed {self.seed}"


class RivalFolder:
    """``RUN/rival/``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = CheckpointStore(path)

    def kept(self) -> tuple[Asked, tuple[Trial, ...]] | None:
        """What was asked for, and the trials that were made; None before the first.

        Raises:
            RunError: it cannot be read, or holds something else.
        """
        self._require_own()
        latest = self._store.latest()
        if latest is None:
            return None
        state = load_state(latest)
        try:
            found = _SHAPE(state.get("rival"))
        except Malformed as error:
            raise RunError(
                f"{latest} is no trial of a rival (wanted {error}). Remove {self.path} to train "
                "another."
            ) from error
        trials = tuple(Trial(**_only(Trial, each)) for each in found["trials"])
        if not trials:
            raise RunError(f"{latest} names no trial. Remove {self.path} to train another.")
        return Asked(**_only(Asked, found["asked"])), trials

    def weights(self) -> dict[str, mx.array]:
        """Weights of the best trial.

        Raises:
            RunError: they cannot be read.
        """
        self._require_own()
        best = self._store.best()
        if best is None:
            raise RunError(f"{self.path} has no trial yet.")
        return load_weights(best)

    def keep(
        self,
        asked: Asked,
        trials: tuple[Trial, ...],
        weights: dict[str, mx.array],
    ) -> None:
        """Keep the last of `trials`, whose weights are `weights`, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        self._require_own()
        state = {"asked": asdict(asked), "trials": [asdict(trial) for trial in trials]}
        best = best_of(trials) == len(trials)
        checkpoint = Checkpoint(weights, {}, {}, {"rival": state})
        self._store.save(f"{len(trials):06d}", checkpoint, best=best)

    def _require_own(self) -> None:
        try:
            require_folder(self.path)
        except OSError as error:
            raise RunError(f"{self.path}: {error.strerror}.") from error


def _only(kind: Any, found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the dataclass `kind` in a checked record, which may have others."""
    return {field.name: found[field.name] for field in fields(kind)}


_SHAPE = record(
    {
        "asked": record(
            {
                "digest": text,
                "seed": count,
                "minutes": optional(number),
                "updates": optional(count),
            }
        ),
        "trials": sequence(
            record(
                {
                    "settings": mapping(number, most=100),
                    "seed": count,
                    "updates": count,
                    "chosen_updates": count,
                    "net_pips": number,
                }
            ),
            most=MOST_TRIALS,
        ),
    }
)
