"""The folder of a sweep: its plan, a run folder for each trial, and their progress."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.recorded import config_of_text
from mlx_muzero.config.schema import Config
from mlx_muzero.runlog.journal import Journal, read
from mlx_muzero.training.planned_folder import PlannedFolder
from mlx_muzero.untrusted.shapes import Malformed, number, optional, record, sequence, text

_FAILED = "trial_failed"


@dataclass(frozen=True)
class SweepPlan:
    """What was started; a `planned_folder.KeptPlan`.

    Attributes:
        trials: the configurations that are tried.
        minutes: training minutes of each; None to train until the episodes are done.
        store: path of the bar store.
    """

    trials: tuple[Config, ...]
    minutes: float | None
    store: str

    @property
    def facts(self) -> Mapping[str, Any]:
        """See `KeptPlan.facts`."""
        return {
            "minutes": self.minutes,
            "store": self.store,
            "trials": [config_toml.dumps(config) for config in self.trials],
        }

    @classmethod
    def parsed(cls, facts: Any, path: Path) -> "SweepPlan":
        """See `KeptPlan.parsed`."""
        found = _SHAPE(facts)
        trials = tuple(config_of_text(each, path) for each in found["trials"])
        return cls(trials, found["minutes"], found["store"])


class SweepFolder(PlannedFolder[SweepPlan]):
    """``sweep.toml`` (what trials begin from), ``plan.json``, ``journal.jsonl``, ``trial-NNN/``."""

    contents, doing = "sweep", "swept"
    plan_type, part, digits = SweepPlan, "trial", 3

    def failures(self) -> dict[int, str]:
        """Why trials could not be trained, by number."""
        events = read(self.journal_path) if self.journal_path.exists() else ()
        failed = (event for event in events if event["event"] == _FAILED)
        return {event["trial"]: str(event.get("reason")) for event in failed if "trial" in event}

    def failed(self, number: int, reason: str) -> None:
        """Record that a trial could not be trained, and why."""
        Journal(self.journal_path).append(_FAILED, trial=number, reason=reason)


def _toml(value: object) -> str:
    """The text of a configuration, which is longer than others."""
    if type(value) is not str or len(value) > _MOST_TOML:
        raise Malformed("the text of a configuration")
    return value


_MOST_TOML = 200_000
_SHAPE = record({"minutes": optional(number), "store": text, "trials": sequence(_toml, most=1000)})
