"""The folder of a sweep: its plan, a run folder for each trial, and their progress."""

import json
from dataclasses import dataclass
from pathlib import Path

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.recorded import config_of_text
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import RunError
from mlx_muzero.files.regular import read_text, require_folder, write_text
from mlx_muzero.runlog.journal import Journal, read
from mlx_muzero.runlog.part_times import PartTimes
from mlx_muzero.runlog.run_folder import RunFolderBase
from mlx_muzero.training.run import RunFolder
from mlx_muzero.untrusted.json_values import parsed
from mlx_muzero.untrusted.shapes import Malformed, number, optional, record, sequence, text

_FAILED = "trial_failed"


@dataclass(frozen=True)
class SweepPlan:
    """What was started.

    Attributes:
        trials: the configurations that are tried.
        minutes: training minutes of each; None to train until the episodes are done.
        store: path of the bar store.
    """

    trials: tuple[Config, ...]
    minutes: float | None
    store: str


class SweepFolder(RunFolderBase):
    """``sweep.toml`` (what trials begin from), ``plan.json``, ``journal.jsonl``, ``trial-NNN/``."""

    contents, doing = "sweep", "swept"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._plan_path = path / "plan.json"
        self.times = PartTimes(self.journal_path, "trial")

    def begin(self, base: Config, plan: SweepPlan) -> None:
        """Create the folder of a new sweep; raises as `require_new`."""
        self.require_new()
        self.path.mkdir(parents=True, exist_ok=True)
        self.keep(plan)
        self.mark(config_toml.dumps(base))

    def keep(self, plan: SweepPlan) -> None:
        """Write `plan`, completely or not at all."""
        facts = {
            "minutes": plan.minutes,
            "store": plan.store,
            "trials": [config_toml.dumps(config) for config in plan.trials],
        }
        write_text(self._plan_path, json.dumps(facts, indent=1))

    def base(self) -> Config:
        """What all trials began from."""
        if not self.exists:
            raise self.missing
        return config_of_text(config_toml.text_of(self.mark_path, follow=False), self.mark_path)

    def plan(self) -> SweepPlan:
        """The plan it was started with.

        Raises:
            RunError: it cannot be read.
            ConfigError: a configuration in it has problems.
        """
        try:
            found = _SHAPE(parsed(read_text(self._plan_path)))
        except (OSError, ValueError) as error:
            raise RunError(f"{self._plan_path}: cannot read it ({error}).") from error
        trials = tuple(config_of_text(each, self._plan_path) for each in found["trials"])
        return SweepPlan(trials, found["minutes"], found["store"])

    def failures(self) -> dict[int, str]:
        """Why trials could not be trained, by number."""
        events = read(self.journal_path) if self.journal_path.exists() else ()
        failed = (event for event in events if event["event"] == _FAILED)
        return {event["trial"]: str(event.get("reason")) for event in failed if "trial" in event}

    def failed(self, number: int, reason: str) -> None:
        """Record that a trial could not be trained, and why."""
        Journal(self.journal_path).append(_FAILED, trial=number, reason=reason)

    def trial(self, number: int) -> RunFolder:
        """The run of trial `number`, counted from 1.

        Raises:
            OSError: it is a link, to someone else's run.
        """
        folder = self.path / f"trial-{number:03d}"
        require_folder(folder)
        return RunFolder(folder)


def _toml(value: object) -> str:
    """The text of a configuration, which is longer than others."""
    if type(value) is not str or len(value) > _MOST_TOML:
        raise Malformed("the text of a configuration")
    return value


_MOST_TOML = 200_000
_SHAPE = record({"minutes": optional(number), "store": text, "trials": sequence(_toml, most=1000)})
