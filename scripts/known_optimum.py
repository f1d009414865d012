"""Trains where the best that can be learned is known, and says how close the agent came, and when.

    python scripts/known_optimum.py [--market KIND] [--minutes N] [--seeds S ...] [--preset NAME]
        [--config FILE] [--against CHECKOUT] [--against-config FILE] [--folder FOLDER]
        [--sessions N] [--fresh-seed N] [--json]

On a planted market the best policy is known exactly (docs/trading.md): how much of it does
`train` reach in so many minutes, and after how many seconds four fifths of it? On the random walk
there is nothing to learn: does the agent learn not to trade? (--market random_walk asks that
alone.) `mlx-muzero train` runs once for every seed, one run after the other, each with the whole
machine. The checkpoint that validated best is judged on 2,000 sessions of a market made with
another seed, on which nothing was tuned or chosen. So are the rivals that learn without a world
model. --against trains and judges with another checkout's environment and configuration as well,
by turns. A run that is in --folder already is judged again.
"""

import argparse
import json
import math
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces

# isort: split
from bench.fresh_sessions import FRESH_SEED, played_by, starts_of, twin_of
from bench.learning_curve import Point, learning_curve, seconds_to
from bench.report import Report
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.evaluation.rivals.fitted import fit_rivals
from mlx_muzero.experiment.trained_run import load_run
from mlx_muzero.market.store.bar_store import BarStore

ROOT = Path(__file__).resolve().parent.parent
SESSIONS = 2000
DAYS_A_SESSION = 0.27
"""Of a made-up market, weekends counted: a few more than its sessions need."""
WALK = "random_walk"
ENOUGH = 0.8
"""Share of the best policy's expectation that counts as learned."""


@dataclass(frozen=True)
class Build:
    """A checkout that trains and judges.

    Attributes:
        name: in tables.
        python: of its environment.
        options: of ``train``, which say with what configuration.
    """

    name: str
    python: Path
    options: tuple[str, ...]


@dataclass(frozen=True)
class Learned:
    """One training on a planted market; net pips a session of the fresh market.

    Attributes:
        build: that trained.
        seed: of the training.
        expected: what the best policy expects.
        to_80: seconds from the start of ``train`` to the first of two successive validations at
            80 % of `expected`; None if there are none.
        checkpoint: that validated best.
        search: what the agent earned.
        raw_network: what its networks earned without search.
        best_policy: what the best policy earned, which knows the market's parameters.
        reached: search over best_policy.
        trades: of the agent, a session.
    """

    build: str
    seed: int
    expected: float
    to_80: float | None
    checkpoint: str
    search: float
    raw_network: float
    best_policy: float
    reached: float
    trades: float


@dataclass(frozen=True)
class Validated:
    """One point of a learning curve: a validation so many seconds after ``train`` started."""

    build: str
    seed: int
    seconds: float
    net_pips: float


@dataclass(frozen=True)
class Rival:
    """A rival fitted on the same market, on the same fresh sessions."""

    rival: str
    net_pips: float
    reached: float


@dataclass(frozen=True)
class Abstained:
    """One training on the random walk.

    Attributes:
        build: that trained.
        seed: of the training.
        checkpoint: that validated best.
        search: net pips a session.
        trades: of the agent, a session.
        trades_of_raw_network: a session.
    """

    build: str
    seed: int
    checkpoint: str
    search: float
    trades: float
    trades_of_raw_network: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Training where the optimum is known.")
    parser.add_argument("--market", default="planted_edge", help="kind of planted market")
    parser.add_argument("--minutes", type=float, default=2.0, help="of training on it")
    parser.add_argument("--walk-minutes", type=float, default=1.0, help="on the random walk")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--preset", default="fx_factored", choices=list(PRESETS))
    parser.add_argument("--config", type=Path, help="train with this file instead")
    parser.add_argument("--against", type=Path, help="another checkout, with its .venv")
    parser.add_argument("--against-config", type=Path, help="what it trains with")
    parser.add_argument("--folder", type=Path, default=Path("runs/known-optimum"))
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="that judge")
    parser.add_argument(
        "--fresh-seed", type=int, default=FRESH_SEED, help="of the market that judges"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    named = ("market", "minutes", "walk_minutes", "seeds", "sessions", "fresh_seed")
    report = Report(options.json, **{name: getattr(options, name) for name in named})

    study = Study(builds(options), options.folder, options.sessions, options.fresh_seed)
    if options.market != WALK:
        tell_of_planted(study.market(options.market), options, report)
    walk = study.market(WALK)
    report.table(
        WALK,
        "random walk, net pips a session:",
        walk.abstained(options.walk_minutes, options.seeds),
    )
    report.end()


def tell_of_planted(planted: "Market", options: argparse.Namespace, report: Report) -> None:
    """What agents and rivals reach where the best policy is known."""
    learned = list(planted.learned(options.minutes, options.seeds))
    report.table("planted", f"{options.market}, net pips a session:", learned)
    report.table(
        "rivals",
        "fitted on the same market:",
        planted.rivals(options.seeds[0], learned[0].best_policy),
    )
    for build in planted.study.builds:
        of_build = [row.reached for row in learned if row.build == build.name]
        report.note(f"{build.name}: reached {spread(of_build)}")
    report.table("curves", "validations, net pips a session:", planted.validated)


def builds(options: argparse.Namespace) -> list[Build]:
    """This checkout and, if asked for, another."""
    ours: tuple[str, ...] = ("--preset", options.preset, "--set", "trading.fill=close")
    if options.config is not None:
        ours = ("--config", str(options.config.resolve()))
    found = [Build("this", ROOT / ".venv" / "bin" / "python", ours)]
    if options.against is not None:
        theirs = options.against_config or options.against / "scripts" / "planted_edge.toml"
        python = options.against.resolve() / ".venv" / "bin" / "python"
        found.append(Build("other", python, ("--config", str(theirs.resolve()))))
    return found


@dataclass(frozen=True)
class Study:
    """Builds that train on made-up markets in one folder, judged on so many sessions."""

    builds: list[Build]
    folder: Path
    sessions: int
    fresh_seed: int

    def market(self, kind: str) -> "Market":
        """A market of `kind`, and its fresh twin, made by this build."""
        market = Market(self, kind)
        self.folder.mkdir(parents=True, exist_ok=True)
        ours, to = self.builds[0], ("--db", str(market.store))
        if not market.holds(market.name):
            muzero(ours, "data", "synth", kind, "--symbol", market.name, *to)
        if not market.holds(market.twin):
            # Pairs that are played together have sessions on the same days.
            days = math.ceil(DAYS_A_SESSION * self.sessions / (market.truth.get("pairs") or 1))
            sizes = ("--seed", str(self.fresh_seed), "--days", str(max(days, 10)))
            muzero(ours, "data", "synth", kind, "--symbol", market.twin, *sizes, *to)
        return market


class Market:
    """A made-up market, its fresh twin, and the runs on it."""

    def __init__(self, study: Study, kind: str) -> None:
        self.study = study
        self.store = study.folder / f"{kind}.duckdb"
        self.name = kind.upper()
        self.twin = twin_of(self.name, study.fresh_seed)
        self.validated: list[Validated] = []

    @property
    def truth(self) -> dict[str, Any]:
        """What is known of the market."""
        return self._truth(self.name) or {}

    def holds(self, name: str) -> bool:
        """Whether the store has a market stored as `name`."""
        return self.store.exists() and self._truth(name) is not None

    def _truth(self, name: str) -> dict[str, Any] | None:
        with BarStore(self.store, read_only=True) as store:
            return store.truth(name) or store.truth(f"{name}_1")

    def symbols(self, name: str) -> str:
        """Those of the market stored as `name`, as an option."""
        pairs = self.truth.get("pairs")
        return ",".join(f"{name}_{i + 1}" for i in range(pairs)) if pairs else name

    def learned(self, minutes: float, seeds: list[int]) -> Iterator[Learned]:
        """Train for `minutes` with every seed, and judge; on a planted market."""
        for seed in seeds:
            for build in self.study.builds:
                found, curve = self._judged(build, seed, minutes)
                self.validated += (
                    Validated(build.name, seed, point.seconds, point.net_pips) for point in curve
                )
                yield Learned(
                    build.name,
                    seed,
                    found["expected"],
                    seconds_to(curve, ENOUGH * found["expected"]),
                    found["checkpoint"],
                    found["search"],
                    found["raw_network"],
                    found["best_policy"],
                    found["search"] / found["best_policy"],
                    found["trades"] / found["sessions"],
                )

    def abstained(self, minutes: float, seeds: list[int]) -> Iterator[Abstained]:
        """The same on the random walk."""
        for seed in seeds:
            for build in self.study.builds:
                found, _ = self._judged(build, seed, minutes)
                yield Abstained(
                    build.name,
                    seed,
                    found["checkpoint"],
                    found["search"],
                    found["trades"] / found["sessions"],
                    found["trades_of_raw_network"] / found["sessions"],
                )

    def rivals(self, seed: int, best_policy: float) -> Iterator[Rival]:
        """Those of this build, under the rules of its run of `seed`, played on the twin."""
        path = self._run(self.study.builds[0], seed)
        own = load_run(path, "best", self.store)
        twin = load_run(path, "best", self.store, symbol=self.symbols(self.twin))
        starts = starts_of(twin)[: self.study.sessions]
        for name, rival in fit_rivals(own.dataset, own.rules).items():
            earned = played_by(rival, twin, starts).metrics.net_pips_per_session
            yield Rival(name, earned, earned / best_policy)

    def _rules(self) -> tuple[str, ...]:
        """Options of ``train`` for the rules under which the market's best policy plays."""
        truth = self.truth
        keys = (
            "round_trip_cost_pips",
            *("cost_clock_minutes", "cost_clock_pips"),
            *("max_entries", "max_total_exposure"),
        )
        own = [key for key in keys if key in truth]
        return tuple(part for key in own for part in ("--set", f"trading.{key}={truth[key]}"))

    def _run(self, build: Build, seed: int) -> Path:
        return self.study.folder / f"{self.name.lower()}-{build.name}-{seed}"

    def _judged(
        self, build: Build, seed: int, minutes: float
    ) -> tuple[dict[str, Any], list[Point]]:
        """What the run of a seed earned on the fresh market, trained first if it is not there."""
        run = self._run(build, seed)
        # Not beside the runs, which others name by a pattern.
        began = run.parent / "began" / run.name
        if not run.exists():
            began.parent.mkdir(exist_ok=True)
            began.write_text(str(time.time()))
            where = (
                "--run",
                str(run),
                "--symbol",
                self.symbols(self.name),
                "--db",
                str(self.store),
            )
            what = (
                *build.options,
                *self._rules(),
                "--set",
                f"train.seed={seed}",
                "--minutes",
                str(minutes),
            )
            muzero(build, "train", *where, *what)
        program = str(ROOT / "scripts" / "bench" / "fresh_sessions.py")
        arguments = (str(self.store), self.symbols(self.twin), str(self.study.sessions), str(run))
        (found,) = json.loads(output_of(str(build.python), program, *arguments))
        return found, learning_curve(run, float(began.read_text()))


def muzero(build: Build, *arguments: str) -> str:
    """What a command of `build` prints on standard output; its standard error is this script's."""
    return output_of(str(build.python), "-m", "muzero_cli.main", *arguments)


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def spread(values: list[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return (
        f"mean {statistics.mean(values):.3f}, standard deviation {deviation:.3f}, "
        f"least {min(values):.3f} over {len(values)} seeds"
    )


if __name__ == "__main__":
    main()
