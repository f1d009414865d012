"""What every way to plan with a factored model earns, and what it takes.

    python scripts/planners.py RUN [--depths 1 2 3 4] [--simulations N ...] [--sessions N]
        [--split validation] [--cost PIPS] [--backend native] [--db STORE] [--json]

The expectimax to some depths, and the sampling search with either root at some numbers of
simulations and the greatest of the depths as its limit, play the same sessions with the run's best
checkpoint. Compare rows that evaluate equally many market states. Differences are paired by
session; intervals (95 %) draw groups of sessions at the same hours.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces

# isort: split
from bench.planning import plan_sessions
from bench.report import Report
from mlx_muzero.agent.backend_choice import BACKENDS
from mlx_muzero.config.choices import Root
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.full_comparison import difference
from mlx_muzero.experiment.trained_run import TrainedRun, load_run
from mlx_muzero.market.sessions import Split, spread_evenly
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.types import I64

SIMULATIONS = (4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Row:
    """One way to plan, in net pips a session.

    Attributes:
        planner: how.
        setting: depth of an expectimax, or simulations.
        states: market states evaluated for a decision, on average.
        cpu_us: microseconds of processor time for a decision, the market and the account included.
        net_pips: earned a session.
        trades: a session.
        beyond: pips earned beyond the expectimax to depth 1.
        low: lower end of its interval.
        high: upper end.
    """

    planner: str
    setting: int
    states: float
    cpu_us: float
    net_pips: float
    trades: float
    beyond: float
    low: float | None
    high: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description="Ways to plan with a factored model.")
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--depths", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--simulations", type=int, nargs="+", default=SIMULATIONS)
    parser.add_argument("--sessions", type=int, default=300)
    parser.add_argument("--split", choices=get_args(Split), default="validation")
    parser.add_argument("--cost", type=float, help="of a round trip, if not the training's")
    parser.add_argument("--backend", choices=BACKENDS, help="the run's by default")
    parser.add_argument("--db", type=Path, help="bar store, if it is not where the run says")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report(options.json, run=str(options.run), sessions=options.sessions)
    run = load_run(options.run, "best", options.db, backend=options.backend, cost=options.cost)
    if not isinstance(run.model, FactoredModel):
        raise ConfigError(f"{options.run}: only factored models plan in more than one way")
    starts = spread_evenly(run.dataset.evaluation_starts(options.split), options.sessions)
    rows = compared(run, starts, options.depths, options.simulations)
    report.table("planners", f"net pips a session, {len(starts)} of {options.split}:", rows)
    report.end()


def compared(
    run: TrainedRun, starts: I64, depths: Sequence[int], simulations: Sequence[int]
) -> Iterator[Row]:
    """Everything that plans, the expectimax first."""
    outcomes, deepest = run.model.outcomes, max(depths)
    found = replace(run.config.search, depth_limit=deepest)
    ways: list[tuple[str, int, SearchConfig, int]] = []
    for depth in depths:
        states = sum(outcomes**level for level in range(1, depth + 1))
        ways.append(("expectimax", depth, replace(found, planner="expectimax"), states))
    for root in get_args(Root):
        sampling = replace(found, planner="sampling", root=root)
        ways += [(root, count, sampling, count) for count in simulations]
    first: Backtest | None = None
    for name, setting, search, count in ways:
        planned = plan_sessions(run, search, count, starts)
        first = first or planned.played
        beyond = difference(planned.played, first)
        yield Row(
            name,
            setting,
            planned.states,
            planned.cpu_us,
            planned.played.metrics.net_pips_per_session,
            planned.played.metrics.trades_per_session,
            beyond.mean,
            beyond.low,
            beyond.high,
        )


if __name__ == "__main__":
    main()
