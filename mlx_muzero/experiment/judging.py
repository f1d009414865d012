"""A run judged: on one of its splits or on later bars, alone or next to other runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlx_muzero.errors import ConfigError, DataError
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.comparison import PolicyResult, conditions_of, play
from mlx_muzero.evaluation.conditions import Conditions
from mlx_muzero.evaluation.full_comparison import Difference, difference
from mlx_muzero.experiment.later_bars import later_bars
from mlx_muzero.experiment.loading import load_truth
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.frames import FrameLibrary, frame_of_rows
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import Part, Split, spread_evenly
from mlx_muzero.types import I64


@dataclass(frozen=True, eq=False)
class JudgedBars:
    """Bars a run is judged on.

    Attributes:
        dataset: that holds them.
        part: which of them.
        truth: what is known of a synthetic market's best policy; None of real ones.
        period: of later bars, which they are in words; None of a split.
    """

    dataset: MarketDataset
    part: Part
    truth: dict[str, Any] | None
    period: str | None


def judged_bars(
    run: TrainedRun,
    split: Split | None = None,
    first_utc: str | None = None,
    end_utc: str | None = None,
    names: tuple[str, str] = ("first_utc", "end_utc"),
) -> JudgedBars:
    """The bars of `split`, "test" unless named, or those after the run's own.

    Args:
        run: on its own bars.
        split: part of the run's data.
        first_utc: later bars instead, from this time on.
        end_utc: later bars, before this time.
        names: what errors call the two times.

    Raises:
        ConfigError: both a split and a time are named, or as `later_bars`.
        DataError: the store has no such bars.
    """
    truth = load_truth(run.config, run.store)
    if first_utc is None and end_utc is None:
        return JudgedBars(run.dataset, split or "test", truth, None)
    if split is not None:
        raise ConfigError(f"later bars are in no split: leave out split, or {' and '.join(names)}")
    dataset, period = later_bars(run, run.folder.market(), first_utc, end_utc, names)
    return JudgedBars(dataset, "later", truth, period)


@dataclass(frozen=True, eq=False)
class RunComparison:
    """Agents of several runs on the same sessions.

    Attributes:
        conditions: what was played.
        entries: how each did, by the name of its run.
        beyond_first: net pips a session of each beyond the first run's.
    """

    conditions: Conditions
    entries: Mapping[str, PolicyResult]
    beyond_first: Mapping[str, Difference]

    def to_frame(self, library: FrameLibrary | None = None) -> Any:
        """A row for each run: its name, what it earned beyond the first, all of its `Metrics`.

        Args:
            library: "pandas" or "polars"; None for whichever is installed, pandas first.

        Raises:
            MuZeroError: neither is.
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


def compare_runs(
    runs: Mapping[str, TrainedRun],
    split: Split = "test",
    sessions: int | None = None,
    simulations: int | None = None,
) -> RunComparison:
    """Play the searching agent of each run over the sessions that all of them have in `split`.

    Args:
        runs: by name, the first to compare with first.
        split: part of each run's data; a session counts if it lies in that part of every run.
        sessions: at most so many, spread evenly; None for all.
        simulations: of a decision; None for each run's own.

    Raises:
        ConfigError: fewer than two runs, or they count in different units or costs.
        DataError: they share no session.
    """
    if len(runs) < 2:
        raise ConfigError("name two runs or more to compare")
    first = next(iter(runs.values()))
    for name, run in runs.items():
        if (run.rules.costs, run.rules.pip_size) != (first.rules.costs, first.rules.pip_size):
            raise ConfigError(
                f"{name} trades at other costs or in other pips than {next(iter(runs))}: the net "
                "of one says nothing about the other"
            )
    starts = _shared_starts(runs, split, sessions)
    entries = {}
    for name, run in runs.items():
        count = simulations or run.config.search.num_simulations
        policy = SearchPolicy(run.agent(), count, name)
        entries[name] = play(policy, run.dataset, run.rules, starts[name])
    base = next(iter(entries.values())).backtest
    return RunComparison(
        conditions_of(first.dataset, first.rules, split, next(iter(starts.values()))),
        entries,
        {name: difference(entry.backtest, base) for name, entry in entries.items()},
    )


def _shared_starts(
    runs: Mapping[str, TrainedRun], split: Split, sessions: int | None
) -> dict[str, I64]:
    """First decision bars ``i64[m]`` of the sessions in `split` of every run, in one order."""
    found = {}
    for name, run in runs.items():
        dataset = run.dataset
        starts = dataset.evaluation_starts(split)
        pairs = (dataset.config.pairs[pair] for pair in dataset.pair[starts].tolist())
        begun, ended = (span.tolist() for span in dataset.session_spans(starts))
        found[name] = dict(zip(zip(begun, ended, pairs, strict=True), starts, strict=True))
    every = sorted(set.intersection(*(set(sessions_of) for sessions_of in found.values())))
    if not every:
        raise DataError(
            f"{', '.join(runs)} have no session of {split} in common: compare runs of one symbol, "
            "session length and period"
        )
    if sessions is not None:
        every = [every[i] for i in spread_evenly(np.arange(len(every)), sessions)]
    return {
        name: np.array([sessions_of[key] for key in every]) for name, sessions_of in found.items()
    }
