"""Evaluates a run on one of its splits or on later bars, alone or against other runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlx_muzero.config.choices import FillAt
from mlx_muzero.config.differing import differing
from mlx_muzero.errors import ConfigError, DataError
from mlx_muzero.evaluation.agent_policies import AGENT, SearchPolicy
from mlx_muzero.evaluation.backtest import Doing
from mlx_muzero.evaluation.comparison import conditions_of, play
from mlx_muzero.evaluation.full_comparison import difference
from mlx_muzero.evaluation.session_bars import SessionBars
from mlx_muzero.experiment.later_bars import later_bars
from mlx_muzero.experiment.loading import load_truth
from mlx_muzero.experiment.looks import record_evaluation
from mlx_muzero.experiment.run_comparison import RunComparison
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import Part, Split, spread_evenly
from mlx_muzero.trading.costs import Costs, Swap
from mlx_muzero.trading.funding import Funding
from mlx_muzero.trading.rules import ExposureLimit, TradingRules
from mlx_muzero.types import I64, Advance


@dataclass(frozen=True, eq=False)
class JudgedBars:
    """The bars a run is evaluated on.

    Attributes:
        dataset: contains the bars.
        part: which of its bars.
        truth: what is known about a synthetic market's best policy; None for real ones.
        period: description of later bars; None for a split.
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
    tell: Callable[[str], None] = lambda _text: None,
) -> JudgedBars:
    """The bars of `split` ("test" by default), or those after the run's own.

    Args:
        run: loaded with its own bars.
        split: part of the run's data.
        first_utc: use later bars instead, from this time on.
        end_utc: use later bars, before this time.
        names: names of the two times in errors.
        tell: receives where a large dataset of later bars is kept.

    Raises:
        ConfigError: both a split and a time are given, or as for `later_bars`.
        DataError: the store does not have the bars.
    """
    truth = load_truth(run.config, run.store)
    if first_utc is None and end_utc is None:
        return JudgedBars(run.dataset, split or "test", truth, None)
    if split is not None:
        raise ConfigError(
            f"later bars are not in any split: leave out split, or {' and '.join(names)}"
        )
    dataset, period = later_bars(run, run.folder.market(), first_utc, end_utc, names, tell)
    return JudgedBars(dataset, "later", truth, period)


def compare_runs(
    runs: Mapping[str, TrainedRun],
    split: Split = "test",
    sessions: int | None = None,
    simulations: int | None = None,
    tick: Advance = lambda _decisions: None,
    doing: Doing = lambda _what, _total: None,
) -> RunComparison:
    """Play the searching agent of each run over the sessions that all of them share in `split`.

    Args:
        runs: by name; all are compared with the first.
        split: part of each run's data; a session counts if it lies in that part of every run.
        sessions: maximum number of sessions, spread evenly; None for all.
        simulations: simulations per decision; None for each run's own.
        tick: called with the number of decisions made.
        doing: called with what begins and its number of decisions.

    Raises:
        ConfigError: fewer than two runs, or they count in different units or costs.
        DataError: they share no session.
    """
    if len(runs) < 2:
        raise ConfigError("name at least two runs to compare")
    first = next(iter(runs.values()))
    for name, run in runs.items():
        if _terms(run.rules) != _terms(first.rules):
            raise ConfigError(
                f"{name} trades at other costs, in other pips or under another limit than "
                f"{next(iter(runs))}: their net results cannot be compared"
            )
    starts = _shared_starts(runs, split, sessions)
    entries = {}
    for name, run in runs.items():
        count = simulations or run.config.search.num_simulations
        policy = SearchPolicy(run.agent(), count, name)
        doing(f"{name}: decisions", len(starts[name]) * run.dataset.config.session_bars)
        entries[name] = play(policy, run.dataset, run.rules, starts[name], tick)
    recorded = [
        record_evaluation(run, run.dataset, split, {AGENT: entries[name].backtest})
        for name, run in runs.items()
    ][-1]
    base = next(iter(entries.values())).backtest
    conditions = conditions_of(first.dataset, first.rules, split, next(iter(starts.values())))
    return RunComparison(
        replace(conditions, looks=recorded.looks),
        entries,
        {name: difference(entry.backtest, base) for name, entry in entries.items()},
        SessionBars.of(first.dataset, next(iter(starts.values())), first.rules.pip_size),
        differing({name: run.folder.config() for name, run in runs.items()}),
    )


def _terms(
    rules: TradingRules,
) -> tuple[Costs, float, FillAt, Swap, Funding, ExposureLimit | None]:
    """What net figures have to have in common to be compared."""
    costs, holding = rules.costs, (rules.swap, rules.funding)
    return costs, rules.pip_size, rules.fill, *holding, rules.exposure_limit


def _shared_starts(
    runs: Mapping[str, TrainedRun], split: Split, sessions: int | None
) -> dict[str, I64]:
    """First decision bars ``i64[m]`` of the sessions in `split` of every run, in the same order."""
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
