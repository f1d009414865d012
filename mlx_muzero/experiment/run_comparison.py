"""Several runs on the same sessions: what they earned, and in what they differ."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlx_muzero.evaluation.comparison import PolicyResult
from mlx_muzero.evaluation.conditions import Conditions, report_dict
from mlx_muzero.evaluation.full_comparison import Difference
from mlx_muzero.evaluation.luck.paired_days import PairedDays, daily, paired
from mlx_muzero.evaluation.luck.superior import superior_p
from mlx_muzero.evaluation.session_bars import SessionBars
from mlx_muzero.frames import FrameLibrary, frame_of_rows
from mlx_muzero.types import F64, I64


@dataclass(frozen=True, eq=False)
class RunComparison:
    """Agents of several runs on the same sessions.

    Attributes:
        conditions: what was played.
        entries: results by the name of the run.
        beyond_first: net pips per session gained over the first run, by the name of the run.
        bars: of the sessions, as the first run has them.
        differing: keys in which their configurations differ, with the value in each, by its name.
    """

    conditions: Conditions
    entries: Mapping[str, PolicyResult]
    beyond_first: Mapping[str, Difference]
    bars: SessionBars
    differing: Mapping[str, Mapping[str, Any]]

    @cached_property
    def days(self) -> tuple[I64, dict[str, F64]]:
        """UTC days ``i64[D]`` on which sessions began, and net pips ``f64[D]`` of each run."""
        return daily({name: entry.backtest for name, entry in self.entries.items()})

    @cached_property
    def by_day(self) -> dict[str, PairedDays]:
        """What each run after the first earned beyond it, day by day."""
        _, totals = self.days
        (_, base), *others = totals.items()
        return {name: paired(total, base) for name, total in others}

    @cached_property
    def superior(self) -> float:
        """p-value of the best run after the first being better than it by luck (Hansen's test)."""
        _, totals = self.days
        base, *others = totals.values()
        return superior_p(np.stack(others, axis=1) - base[:, None])

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        unit, (days, totals) = self.conditions.unit, self.days
        beyond = {
            "beyond_first": {name: asdict(found) for name, found in self.beyond_first.items()},
            "by_day": {name: asdict(found) for name, found in self.by_day.items()},
        }
        metrics = {name: entry.backtest.metrics for name, entry in self.entries.items()}
        return report_dict(self.conditions, metrics) | {
            "differing": {key: dict(values) for key, values in self.differing.items()},
            **beyond,
            "superior": self.superior,
            "days": [str(np.datetime64(int(day), "D")) for day in days],
            f"net_{unit}_by_day": {name: total.tolist() for name, total in totals.items()},
        }

    def to_frame(self, library: FrameLibrary | None = None) -> Any:
        """A row for each run: its name, what it earned beyond the first, all of its `Metrics`.

        Args:
            library: "pandas" or "polars"; None for whichever is installed, pandas first.

        Raises:
            MuZeroError: neither is installed.
        """
        rows = {
            name: {
                "beyond_first": self.beyond_first[name].mean,
                "beyond_first_low": self.beyond_first[name].low,
                "beyond_first_high": self.beyond_first[name].high,
                **entry.backtest.metrics.as_row(),
            }
            for name, entry in self.entries.items()
        }
        return frame_of_rows("run", rows, library)
