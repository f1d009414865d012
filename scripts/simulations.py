"""What a trained run earns with more or fewer simulations, under both root rules.

One checkpoint plays the same sessions of the test split, first as the raw network, then with search
below a pUCT root and below a Gumbel root. Costs are those the run was trained with.

    python scripts/simulations.py runs/demo [--simulations N ...] [--sessions N] [--json]
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from bench.report import Report
from mlx_muzero.config import Root
from mlx_muzero.evaluation.agent_policies import NetworkPolicy, SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.market.sessions import Split
from muzero_cli.trained_run import TrainedRun, load_run


@dataclass(frozen=True)
class Earned:
    """One way to decide.

    Attributes:
        root: rule at the root; "none" is the raw network.
        simulations: of a decision.
        net_pips: a session, mean.
        low: lower end of its 95 % interval.
        high: upper end.
        trades: closed in all sessions.
        decisions_per_s: while it played.
    """

    root: str
    simulations: int
    net_pips: float
    low: float
    high: float
    trades: int
    decisions_per_s: float


def earned(
    run: TrainedRun, simulations: list[int], sessions: int, split: Split
) -> Iterator[Earned]:
    """Every root rule with every number of simulations."""
    starts = run.dataset.evaluation_starts(split, sessions)

    def play(root: str, count: int, policy: Policy) -> Earned:
        began = time.perf_counter()
        metrics = backtest(policy, run.dataset, run.rules, starts).metrics
        decisions = metrics.sessions * metrics.session_bars
        return Earned(
            root,
            count,
            metrics.net_pips_per_session,
            metrics.net_pips_low,
            metrics.net_pips_high,
            metrics.trades,
            decisions / (time.perf_counter() - began),
        )

    yield play("none", 0, NetworkPolicy(run.agent()))
    for root in get_args(Root):
        search = replace(run.config.search, root=root)
        agent = replace(run, config=replace(run.config, search=search)).agent()
        for count in simulations:
            yield play(root, count, SearchPolicy(agent, count))


def main() -> None:
    parser = argparse.ArgumentParser(description="What more simulations earn.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--simulations", type=int, nargs="+", default=[4, 8, 12, 25, 100])
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--split", choices=["validation", "test"], default="test")
    parser.add_argument("--checkpoint", choices=["best", "latest"], default="best")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    run = load_run(options.run, options.checkpoint, None)
    report = Report(options.json, run=str(options.run), checkpoint=run.checkpoint)
    report.table(
        "earned",
        f"{run.config.market.symbol}, {options.split} split, {options.sessions} sessions:",
        earned(run, options.simulations, options.sessions, options.split),
    )
    report.end()


if __name__ == "__main__":
    main()
