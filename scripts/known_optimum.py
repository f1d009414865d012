"""Trains where the best that can be learned is known, and says how close the agent came.

    python scripts/known_optimum.py [--minutes N] [--seeds S ...] [--config FILE] [--json]

Two made-up markets. On the planted edge the best policy is known exactly (docs/trading.md): how
much of it does `train` reach in so many minutes? On the random walk there is nothing to learn: does
the agent learn not to trade? For every seed `mlx-muzero train` runs with FILE, scripts/demo.toml
unless told otherwise, one after the other, each with the whole machine, and the checkpoint that
validated best plays every session of the test split. A run that is in --folder already is only
judged again.
"""

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import Report

DEMO = Path(__file__).resolve().parent / "demo.toml"
EDGE, WALK = "PLANTED_EDGE", "RANDOM_WALK"


@dataclass(frozen=True)
class Learned:
    """One training on the planted edge: net pips per session, over all sessions of the test split.

    Attributes:
        seed: of the training.
        episodes: at the checkpoint.
        net_pips: of the agent.
        low: lower end of its 95 % bootstrap interval over sessions.
        high: upper end.
        raw_network: of the same network without search.
        momentum: of the best momentum rule, chosen on the validation split.
        best_policy: of the best policy, which knows the market's parameters, on these sessions.
        reached: net_pips over best_policy.
        of_expected: net_pips over what the best policy expects of a session.
        trades: in all sessions.
        commonest_action: and its share.
        commonest_of_best: the same of the best policy.
    """

    seed: int
    episodes: int
    net_pips: float
    low: float
    high: float
    raw_network: float
    momentum: float
    best_policy: float
    reached: float
    of_expected: float
    trades: int
    commonest_action: str
    commonest_of_best: str


@dataclass(frozen=True)
class Abstained:
    """One training on the random walk, over all sessions of the test split.

    Attributes:
        seed: of the training.
        episodes: at the checkpoint.
        net_pips: of a session.
        low: lower end of its 95 % bootstrap interval over sessions.
        high: upper end.
        trades: in all sessions.
        cost_pips: what they cost, a session.
        in_market: share of decisions with a position.
        commonest_action: and its share.
        untrained: net pips a session of the network before training, searching.
    """

    seed: int
    episodes: int
    net_pips: float
    low: float
    high: float
    trades: int
    cost_pips: float
    in_market: float
    commonest_action: str
    untrained: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Training where the optimum is known.")
    parser.add_argument("--minutes", type=float, default=20.0, help="of training on the edge")
    parser.add_argument("--walk-minutes", type=float, default=10.0, help="on the random walk")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--config", type=Path, default=DEMO, help="what to train with")
    parser.add_argument("--folder", type=Path, default=Path("runs/known-optimum"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    facts = {name: getattr(options, name) for name in ("minutes", "walk_minutes", "seeds")}
    report = Report(options.json, **facts)

    folder, config, seeds = options.folder, options.config, options.seeds
    edge = [learned(judged(EDGE, seed, options.minutes, config, folder)) for seed in seeds]
    report.table("planted_edge", "Planted edge, net pips a session:", edge)
    report.note(f"reached {spread([run.reached for run in edge])}")
    walk = [abstained(judged(WALK, seed, options.walk_minutes, config, folder)) for seed in seeds]
    report.table("random_walk", "Random walk, net pips a session:", walk)
    report.note(f"net pips {spread([run.net_pips for run in walk])}")
    report.end()


def judged(symbol: str, seed: int, minutes: float, config: Path, folder: Path) -> dict[str, Any]:
    """`mlx-muzero evaluate --json` of a run on a market, trained first if it is not there."""
    store, run = folder / "market.duckdb", folder / f"{symbol.lower()}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    if not run.exists():
        muzero("data", "synth", symbol.lower(), "--db", str(store))
        muzero(
            *("train", "--run", str(run), "--symbol", symbol, "--db", str(store)),
            *("--config", str(config), "--set", f"train.seed={seed}", "--minutes", str(minutes)),
        )
    return json.loads(muzero("evaluate", str(run), "--split", "test", "--json")) | {"seed": seed}


def muzero(*arguments: str) -> str:
    """What a command prints on standard output; its standard error is this script's."""
    command = [sys.executable, "-m", "muzero_cli.main", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def learned(found: dict[str, Any]) -> Learned:
    agent, raw, *_ = found["policies"].values()
    momentum = next(m for name, m in found["policies"].items() if name.startswith("momentum"))
    best_policy = found["policies"]["best_policy"]
    best, net_pips = best_policy["net_pips_per_session"], agent["net_pips_per_session"]
    return Learned(
        found["seed"],
        episodes(found),
        net_pips,
        agent["net_pips_low"],
        agent["net_pips_high"],
        raw["net_pips_per_session"],
        momentum["net_pips_per_session"],
        best,
        net_pips / best,
        net_pips / found["expected_best_pips_per_session"],
        agent["trades"],
        commonest_action(agent),
        commonest_action(best_policy),
    )


def abstained(found: dict[str, Any]) -> Abstained:
    agent = next(iter(found["policies"].values()))
    conditions = found["conditions"]
    cost = agent["trades"] * conditions["round_trip_cost_pips"] / conditions["sessions"]
    return Abstained(
        found["seed"],
        episodes(found),
        agent["net_pips_per_session"],
        agent["net_pips_low"],
        agent["net_pips_high"],
        agent["trades"],
        cost,
        agent["exposure_frac"],
        commonest_action(agent),
        found["policies"]["untrained (search)"]["net_pips_per_session"],
    )


def commonest_action(metrics: dict[str, Any]) -> str:
    action, share = max(metrics["action_frac"].items(), key=lambda item: item[1])
    return f"{action} {share:.0%}"


def episodes(found: dict[str, Any]) -> int:
    return int(found["checkpoint"].rpartition("-")[2])


def spread(values: list[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return (
        f"mean {statistics.mean(values):.3f}, standard deviation {deviation:.3f}, "
        f"least {min(values):.3f} over {len(values)} seeds"
    )


if __name__ == "__main__":
    main()
