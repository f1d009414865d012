"""The folder of a walk-forward: its plan, a run folder for each window, and their progress."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.recorded import config_of_run
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import RunError
from mlx_muzero.files.regular import read_text, require_folder, write_text
from mlx_muzero.market.rolling_windows import rolling_windows
from mlx_muzero.runlog.part_times import PartTimes
from mlx_muzero.runlog.run_folder import RunFolderBase
from mlx_muzero.training.run import MarketRecord, RunFolder
from mlx_muzero.types import I64
from mlx_muzero.untrusted.json_values import parsed


@dataclass(frozen=True)
class Plan:
    """What was started.

    Attributes:
        windows: number of windows.
        minutes: training minutes per window; None to train until the episodes are done.
        store: path of the bar store.
        market: the bars that were cut into windows; None in plans of 0.1.0.
        anchored: whether all windows begin with the first bar.
    """

    windows: int
    minutes: float | None
    store: str
    market: MarketRecord | None = None
    anchored: bool = False

    @classmethod
    def parsed(cls, facts: Any) -> "Plan":
        """Parse a plan from JSON, written by this build or an older one.

        Raises:
            ValueError, TypeError, AttributeError: it is not a valid plan.
        """
        market = facts.get("market")
        record = None if market is None else MarketRecord.from_dict(market)
        return cls(**{**facts, "market": record})


class WalkForwardFolder(RunFolderBase):
    """``walk-forward.toml`` (configuration), ``plan.json``, ``journal.jsonl``, ``window-NN/``."""

    contents = "walk-forward"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._plan_path = path / "plan.json"
        self._times = PartTimes(self.journal_path, "window")

    def begin(self, config: Config, plan: Plan) -> None:
        """Create the folder of a new walk-forward; raises as `require_new`."""
        self.require_new()
        self.path.mkdir(parents=True, exist_ok=True)
        self.keep(plan)
        self.mark(config_toml.dumps(config))

    def keep(self, plan: Plan) -> None:
        """Write `plan`, completely or not at all."""
        write_text(self._plan_path, json.dumps(asdict(plan), indent=1))

    def require_windows(self, configs: Sequence[Config]) -> None:
        """Raise RunError unless the windows already started match `configs`."""
        for number, wanted in enumerate(configs, 1):
            run = self.window(number)
            if not run.exists:
                continue
            own, cut = run.config().market, wanted.market
            if (own.first_utc, own.end_utc) != (cut.first_utc, cut.end_utc):
                raise RunError(
                    f"{run.path} was started on bars from {own.first_utc} to {own.end_utc} UTC, "
                    f"but this store would give it {cut.first_utc} to {cut.end_utc}: it is another "
                    "store, or it has grown since 0.1.0, which kept no record of its bars. Pass "
                    "one without the other bars with --db, or start a new walk-forward."
                )

    def config(self) -> Config:
        """The configuration it was started with, covering all bars."""
        if not self.exists:
            raise self.missing
        return config_of_run(self.mark_path)

    def plan(self) -> Plan:
        """The plan it was started with."""
        try:
            return Plan.parsed(parsed(read_text(self._plan_path)))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise RunError(f"{self._plan_path}: cannot read it ({error}).") from error

    def window(self, number: int) -> RunFolder:
        """The run of window `number`, counted from 1.

        Raises:
            OSError: it is a link, to someone else's run.
        """
        folder = self.path / f"window-{number:02d}"
        require_folder(folder)
        return RunFolder(folder)

    def minutes_left(self, number: int) -> float | None:
        """Minutes left to train window `number`; None without a limit, 0 when done."""
        return self._times.left(number, self.plan().minutes)

    def trained(self, number: int, minutes: float, *, finished: bool) -> None:
        """Record that window `number` was trained for `minutes`, to its last episode or not."""
        self._times.add(number, minutes, finished=finished)


def window_configs(config: Config, open_time_ns: I64, plan: Plan) -> list[Config]:
    """The configuration of each window of `plan` over bars at `open_time_ns` ``i64[T]``."""
    market, count = config.market, plan.windows
    markets = rolling_windows(open_time_ns, market, count, anchored=plan.anchored)
    return [replace(config, market=market) for market in markets]
