"""Tests agents trained in rolling windows, each on its own test split, and joins the tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from mlx_muzero.errors import DataError
from mlx_muzero.evaluation.backtest import Backtest, Doing, backtest, joined
from mlx_muzero.evaluation.comparison import baselines, conditions_of
from mlx_muzero.evaluation.conditions import Conditions, report_dict
from mlx_muzero.evaluation.luck.assessment import Luck, assess
from mlx_muzero.evaluation.luck.course import Course
from mlx_muzero.evaluation.luck.random_entries import (
    Positions,
    end_to_end,
    entries_p,
    positions,
)
from mlx_muzero.evaluation.luck.trials import end_to_end as trials_end_to_end
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.evaluation.result_tables import Tables, result_tables, windows_of
from mlx_muzero.evaluation.session_bars import SessionBars
from mlx_muzero.frames import FrameLibrary, frame_of_rows
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import SPLITS
from mlx_muzero.runlog.look import Tried
from mlx_muzero.runlog.look_ledger import Looks
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.types import Advance
from mlx_muzero.untrusted.json_values import in_unit


@dataclass(frozen=True, eq=False)
class WindowTest:
    """One window's agent on the window's test split.

    Attributes:
        conditions: what was played.
        splits: UTC times at which training, validation and test begin, and the test's end.
        checkpoint: the agent's checkpoint, the best on the window's validation split.
        backtests: by policy, the agent first; trend baselines by family.
        lookbacks: names of the trend baselines chosen on the validation split.
        positions: that the agent held, by pair.
        bars: of the sessions.
        trials: what the ledger knows of those tried on these bars, by configuration and name.
        seeds: what it knows of walks of the same configuration, by seed.
    """

    conditions: Conditions
    splits: tuple[str, str, str, str]
    checkpoint: str
    backtests: dict[str, Backtest]
    lookbacks: tuple[str, ...]
    positions: Positions
    bars: SessionBars
    trials: Mapping[tuple[str, str], Tried] = field(default_factory=dict)
    seeds: Mapping[int, Tried] = field(default_factory=dict)

    def after(
        self,
        looks: Looks | None,
        reach_bars: int,
        trials: Mapping[tuple[str, str], Tried] = MappingProxyType({}),
        seeds: Mapping[int, Tried] = MappingProxyType({}),
    ) -> "WindowTest":
        """This test as one of so many `looks` at its bars; see `Conditions` for `reach_bars`."""
        told = replace(self.conditions, looks=looks, reach_bars=reach_bars)
        return replace(self, conditions=told, trials=trials, seeds=seeds)


def play_window(
    agents: Sequence[Policy],
    checkpoint: str,
    dataset: MarketDataset,
    rules: TradingRules,
    tested_until_ns: int,
    sessions: int | None,
    tick: Advance = lambda _count: None,
    doing: Doing = lambda _what, _total: None,
) -> WindowTest:
    """Play `agents` and the baselines on the test split of the window `dataset`.

    Args:
        agents: trained on the window, with distinct names.
        checkpoint: the checkpoint the agents were loaded from.
        dataset: the window's bars alone.
        rules: actions and costs.
        tested_until_ns: end of the previous test; no session begins earlier.
        sessions: maximum number of sessions, spread evenly; None for all.
        tick: called with the number of decisions made.
        doing: called with what begins and its number of decisions.

    Raises:
        DataError: no session is left.
    """
    starts = dataset.evaluation_starts("test", sessions)
    starts = starts[dataset.open_time_ns[starts] >= tested_until_ns]
    if not len(starts):
        raise DataError(f"{dataset.label}: a window's test holds no session; choose fewer windows")
    families = baselines(dataset, rules, tick, doing)
    policies = {policy.name: policy for policy in agents} | families
    backtests = {}
    for name, policy in policies.items():
        doing(f"{name}: decisions", len(starts) * dataset.config.session_bars)
        backtests[name] = backtest(policy, dataset, rules, starts, tick)
    begins = [utc_text(dataset.ranges[split].first_ns) for split in SPLITS]
    return WindowTest(
        conditions_of(dataset, rules, "test", starts),
        (begins[0], begins[1], begins[2], dataset.config.end_utc),
        checkpoint,
        backtests,
        tuple(policy.name for name, policy in families.items() if policy.name != name),
        positions(backtests[agents[0].name], dataset, rules, starts),
        SessionBars.of(dataset, starts, rules.pip_size),
    )


@dataclass(frozen=True, eq=False)
class WalkForward:
    """All windows, the earliest first.

    Attributes:
        windows: the test of each window.
        rules: actions and costs.
        agents: names of the policies that were to be judged.
        looks: how often the tests were looked at, and what was tried on any of them; None if
            unknown.
    """

    windows: tuple[WindowTest, ...]
    rules: TradingRules
    agents: tuple[str, ...]
    looks: Looks | None = None

    @cached_property
    def luck(self) -> Luck:
        """What the tests of all windows owe to luck, the first agent's judged."""
        whole, conditions = self.whole, self.conditions
        name = self.agents[0]
        held = end_to_end([window.positions for window in self.windows])
        others = {n: Course.of(each) for n, each in whole.items() if n not in self.agents}
        return assess(
            {name: Course.of(whole[name])},
            others,
            None if conditions.looks is None else conditions.looks.tried,
            tuple(trials_end_to_end([window.trials for window in self.windows]).values()),
            entries_p(held),
            conditions.unit,
            trials_end_to_end([window.seeds for window in self.windows]),
        )

    @cached_property
    def whole(self) -> dict[str, Backtest]:
        """Every policy over the tests of all windows, end to end."""
        return {
            name: joined([window.backtests[name] for window in self.windows], self.rules)
            for name in self.windows[0].backtests
        }

    @property
    def conditions(self) -> Conditions:
        """What was played in all windows together."""
        first, last = self.windows[0].conditions, self.windows[-1].conditions
        every = [window.conditions for window in self.windows]
        return replace(
            first,
            split=f"{len(every)} windows' test",
            sessions=sum(conditions.sessions for conditions in every),
            available_sessions=sum(conditions.available_sessions for conditions in every),
            last=last.last,
            looks=self.looks,
        )

    def tables(self) -> Tables:
        """Tables of all tests (`result_tables`), with the number of the window in each row."""
        unit, actions = self.conditions.unit, self.rules.table.action_names
        return windows_of(
            [
                result_tables(window.backtests, self.agents, window.bars, unit, actions)
                for window in self.windows
            ]
        )

    def to_frame(self, library: FrameLibrary | None = None) -> Any:
        """A row for each policy over all windows: its name and all of its `Metrics`.

        Args:
            library: "pandas" or "polars"; None for whichever is installed, pandas first.

        Raises:
            MuZeroError: neither is installed.
        """
        rows = {name: m.as_row() for name, m in metrics_of(self.whole).items()}
        return frame_of_rows("policy", rows, library)

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON: the whole, and every window."""
        return report_dict(self.conditions, metrics_of(self.whole)) | {
            "luck": in_unit(self.luck.as_dict(), self.conditions.unit),
            "windows": [
                report_dict(window.conditions, metrics_of(window.backtests))
                | {
                    "splits": dict(
                        zip(("train", "validation", "test", "end"), window.splits, strict=True)
                    ),
                    "checkpoint": window.checkpoint,
                    "lookbacks": list(window.lookbacks),
                }
                for window in self.windows
            ],
        }


def metrics_of(backtests: Mapping[str, Backtest]) -> dict[str, Metrics]:
    """Metrics by policy name."""
    return {name: played.metrics for name, played in backtests.items()}
