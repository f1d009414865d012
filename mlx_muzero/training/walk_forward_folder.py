"""The folder of a walk-forward: its plan, a run folder for each window, and their progress."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mlx_muzero.config.schema import Config
from mlx_muzero.errors import RunError
from mlx_muzero.market.rolling_windows import rolling_windows
from mlx_muzero.training.planned_folder import PlannedFolder
from mlx_muzero.training.run import MarketRecord
from mlx_muzero.types import I64


@dataclass(frozen=True)
class Plan:
    """What was started; a `planned_folder.KeptPlan`.

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

    @property
    def facts(self) -> Mapping[str, Any]:
        """See `KeptPlan.facts`."""
        return asdict(self)

    @classmethod
    def parsed(cls, facts: Any, path: Path) -> "Plan":
        """See `KeptPlan.parsed`; `facts` may be of an older build."""
        market = facts.get("market")
        record = None if market is None else MarketRecord.from_dict(market)
        return cls(**{**facts, "market": record})


class WalkForwardFolder(PlannedFolder[Plan]):
    """``walk-forward.toml`` (configuration), ``plan.json``, ``journal.jsonl``, ``window-NN/``."""

    contents = "walk-forward"
    plan_type, part, digits = Plan, "window", 2

    def require_windows(self, configs: Sequence[Config]) -> None:
        """Raise RunError unless the windows already started match `configs`."""
        for number, wanted in enumerate(configs, 1):
            run = self.run(number)
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


def window_configs(config: Config, open_time_ns: I64, plan: Plan) -> list[Config]:
    """The configuration of each window of `plan` over bars at `open_time_ns` ``i64[T]``."""
    market, count = config.market, plan.windows
    markets = rolling_windows(open_time_ns, market, count, anchored=plan.anchored)
    return [replace(config, market=market) for market in markets]
