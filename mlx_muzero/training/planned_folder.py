"""The folder of several trainings that follow one plan: a sweep's, or a walk-forward's."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.recorded import config_of_run
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import RunError
from mlx_muzero.files.regular import read_text, require_folder, write_text
from mlx_muzero.runlog.part_times import PartTimes
from mlx_muzero.runlog.run_folder import RunFolderBase
from mlx_muzero.training.run import RunFolder
from mlx_muzero.untrusted.json_values import parsed


class KeptPlan(Protocol):
    """What was started, as it is kept."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Its JSON values."""
        ...

    @classmethod
    def parsed(cls, facts: Any, path: Path) -> Self:
        """Parse the JSON values in the file at `path`.

        Raises:
            ValueError, TypeError, AttributeError: they are not a valid plan.
            ConfigError: a configuration in it has problems.
        """
        ...


PlanT = TypeVar("PlanT", bound=KeptPlan)


class PlannedFolder(RunFolderBase, Generic[PlanT]):
    """A mark with the configuration, ``plan.json``, ``journal.jsonl``, and a run for each part.

    Attributes:
        plan_type: the plan it keeps.
        part: what a part is called.
        digits: digits of a part's number in the name of its folder.
        times: how long parts were trained.
    """

    plan_type: type[PlanT]
    part: ClassVar[str]
    digits: ClassVar[int]

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._plan_path = path / "plan.json"
        self.times = PartTimes(self.journal_path, self.part)

    def begin(self, config: Config, plan: PlanT) -> None:
        """Create the folder; raises as `require_new`."""
        self.require_new()
        self.path.mkdir(parents=True, exist_ok=True)
        self.keep(plan)
        self.mark(config_toml.dumps(config))

    def keep(self, plan: PlanT) -> None:
        """Write `plan`, completely or not at all."""
        write_text(self._plan_path, json.dumps(plan.facts, indent=1))

    def config(self) -> Config:
        """The configuration that it was started with.

        Raises:
            RunError: there is none.
            ConfigError: it cannot be read, or has problems.
        """
        if not self.exists:
            raise self.missing
        return config_of_run(self.mark_path)

    def plan(self) -> PlanT:
        """The plan it was started with.

        Raises:
            RunError: it cannot be read.
            ConfigError: a configuration in it has problems.
        """
        try:
            return self.plan_type.parsed(parsed(read_text(self._plan_path)), self._plan_path)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise RunError(f"{self._plan_path}: cannot read it ({error}).") from error

    def run(self, number: int) -> RunFolder:
        """The run of a part, counted from 1.

        Raises:
            OSError: it is a link, to someone else's run.
        """
        folder = self.path / f"{self.part}-{number:0{self.digits}d}"
        require_folder(folder)
        return RunFolder(folder)
