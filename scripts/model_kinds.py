"""What both kinds of model earn on one market, at equal simulations and at equal time.

    python scripts/model_kinds.py RUN ... [--simulations N ...] [--budgets US ...] [--sessions N]
        [--split validation] [--backend native] [--db STORE] [--json]

RUNs are trainings of models of market and account and of the market alone, on the same bars and
rules; those of one kind count as its seeds. Their best checkpoints play the same sessions, planned
as their runs say. Time is that of the processor, for the market and the account too; at equal time
a kind takes the most simulations that the budget pays for.
"""

import argparse
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces

# isort: split
from bench.planning import Planned, plan_sessions
from bench.report import Report
from mlx_muzero.agent.backend_choice import BACKENDS
from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.comparison import conditions_of
from mlx_muzero.experiment.trained_run import TrainedRun, load_run
from mlx_muzero.market.sessions import Split, spread_evenly
from mlx_muzero.types import I64

SIMULATIONS = (4, 8, 12, 25, 50)
BUDGETS_US = (30.0, 300.0, 3000.0)


@dataclass(frozen=True)
class Earned:
    """One kind of model at one number of simulations; medians over its runs.

    Attributes:
        kind: of the model.
        runs: how many.
        simulations: of a decision; of the market alone, the states that it may evaluate.
        states: evaluated for a decision.
        cpu_us: microseconds of processor time for a decision.
        decisions_per_s: in a second of processor time.
        net_pips: a session.
        worst: net pips of the run that earned least.
        best: of the one that earned most.
    """

    kind: str
    runs: int
    simulations: int
    states: float
    cpu_us: float
    decisions_per_s: float
    net_pips: float
    worst: float
    best: float


@dataclass(frozen=True)
class AtBudget:
    """The most simulations of a kind within a budget of time; None if it pays for none."""

    budget_us: float
    kind: str
    simulations: int | None
    cpu_us: float | None
    net_pips: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description="Both kinds of model on one market.")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--simulations", type=int, nargs="+", default=SIMULATIONS)
    parser.add_argument("--budgets", type=float, nargs="+", default=BUDGETS_US, metavar="US")
    parser.add_argument("--sessions", type=int, default=142)
    parser.add_argument("--split", choices=get_args(Split), default="validation")
    parser.add_argument("--backend", choices=BACKENDS, default="native")
    parser.add_argument("--db", type=Path, help="bar store, if it is not where the runs say")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    loaded = [load_run(run, "best", options.db, backend=options.backend) for run in options.runs]
    kinds = by_kind(loaded, options.split)
    starts = spread_evenly(loaded[0].dataset.evaluation_starts(options.split), options.sessions)
    report = Report(options.json, sessions=f"{len(starts)} of {options.split}")
    rows: list[Earned] = []

    def measured() -> Iterator[Earned]:
        for row in at_simulations(kinds, options.simulations, starts):
            rows.append(row)
            yield row

    report.table("simulations", "At equal simulations, medians over runs:", measured())
    report.table("budgets", "At equal time:", at_budgets(rows, options.budgets))
    report.end()


def by_kind(runs: Sequence[TrainedRun], split: Split) -> dict[str, list[TrainedRun]]:
    """The runs of each kind of model.

    Raises:
        ConfigError: they do not play the same sessions by the same rules.
    """
    kinds: dict[str, list[TrainedRun]] = {}
    wanted, first = None, runs[0].folder
    for run in runs:
        starts = run.dataset.evaluation_starts(split)
        played = asdict(conditions_of(run.dataset, run.rules, split, starts))
        wanted = wanted or played
        if differing := [name for name, value in played.items() if value != wanted[name]]:
            raise ConfigError(
                f"{run.folder} plays under other conditions than {first} "
                f"({', '.join(differing)}): compare runs of one market and its rules"
            )
        kinds.setdefault(run.config.model.kind, []).append(run)
    return kinds


def at_simulations(
    kinds: dict[str, list[TrainedRun]], simulations: Sequence[int], starts: I64
) -> Iterator[Earned]:
    """Every kind at every number of simulations, the kinds by turns."""
    for count in simulations:
        for kind, runs in kinds.items():
            yield _earned(
                kind, count, [plan_sessions(run, run.config.search, count, starts) for run in runs]
            )


def _earned(kind: str, simulations: int, plans: Sequence[Planned]) -> Earned:
    cpu_us = statistics.median(plan.cpu_us for plan in plans)
    pips = [plan.played.metrics.net_pips_per_session for plan in plans]
    return Earned(
        kind,
        len(plans),
        simulations,
        statistics.median(plan.states for plan in plans),
        cpu_us,
        1e6 / cpu_us,
        statistics.median(pips),
        min(pips),
        max(pips),
    )


def at_budgets(rows: Sequence[Earned], budgets_us: Sequence[float]) -> Iterator[AtBudget]:
    """What each kind earns within each budget."""
    for budget in budgets_us:
        for kind in dict.fromkeys(row.kind for row in rows):
            affordable = [row for row in rows if row.kind == kind and row.cpu_us <= budget]
            most = max(affordable, key=lambda row: row.simulations, default=None)
            if most is None:
                yield AtBudget(budget, kind, None, None, None)
            else:
                yield AtBudget(budget, kind, most.simulations, most.cpu_us, most.net_pips)


if __name__ == "__main__":
    main()
