"""Measures paper trading: from a minute's last bar to its durable orders, and memory over a day.

    python scripts/bench_paper.py [--pairs N] [--simulations N] [--minutes N] [--backend NAME]
    python scripts/bench_paper.py --rounds 3       # alone and beside a retraining, by turns

Networks of fx_micro with random heads decide on made-up bars that are replayed as fast as they are
read; the session, its store and its journal are what `mlx-muzero paper start` runs. `--minutes
1440` is a day: memory and descriptors of its last tenth are compared with those of its second.
With `--rounds N`, N sessions run alone and N beside a process that trains as a candidate of `paper
start --retrain` does, by turns: the same niceness, the same number of threads, the same preset.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.made_up import MONDAY_NS, NAMES, bars_of
from bench.networks import OUTCOMES, fx_micro
from bench.report import Report
from bench.resources import open_descriptors, resident_bytes
from bench.retraining import training
from mlx_muzero.agent.muzero_agent import MuZeroAgent
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.market.observation.frames import minutes_before
from mlx_muzero.paper.agent_planner import AgentPlanner
from mlx_muzero.paper.engine import Engine
from mlx_muzero.paper.feeds.replay import ReplayFeed
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.recorder import Recorder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.report.journaled import LATENCIES
from mlx_muzero.paper.session_setup import make_session
from mlx_muzero.paper.settings import PaperSettings, SessionSettings
from mlx_muzero.runlog import journal
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.positions import FX_ACTIONS


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one stage, over all minutes in which the agent planned."""

    stage: str
    p50: float
    p99: float
    most: float


@dataclass(frozen=True)
class Soak:
    """The process's mean memory and descriptors in the session's second tenth and its last."""

    minutes: int
    minutes_per_s: float
    mib_begin: float
    mib_end: float
    mib_most: float
    growth_frac: float
    descriptors_begin: float
    descriptors_end: float


class Watch:
    """Records the process's memory and descriptors minute by minute."""

    def __init__(self) -> None:
        self.held: list[tuple[int, int]] = []

    def minute(self, _facts: Row) -> None:
        """Record the current values."""
        self.held.append((resident_bytes(), open_descriptors()))

    def soak(self, seconds: float) -> Soak:
        """The growth over a session that took so long."""
        tenth = max(len(self.held) // 10, 1)
        begin = np.mean(self.held[tenth : 2 * tenth], axis=0)
        end = np.mean(self.held[-tenth:], axis=0)
        return Soak(
            minutes=len(self.held),
            minutes_per_s=len(self.held) / seconds,
            mib_begin=begin[0] / 2**20,
            mib_end=end[0] / 2**20,
            mib_most=max(held for held, _ in self.held) / 2**20,
            growth_frac=end[0] / begin[0] - 1.0,
            descriptors_begin=begin[1],
            descriptors_end=end[1],
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Latency and endurance of paper trading.")
    parser.add_argument("--pairs", type=int, default=16, choices=range(1, len(NAMES) + 1))
    parser.add_argument("--simulations", type=int, default=50)
    parser.add_argument("--minutes", type=int, default=300, help="decided on")
    parser.add_argument("--backend", default="native", choices=["native", "mlx"])
    parser.add_argument("--rounds", type=int, default=0, help="sessions alone and beside each")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    facts = {name: getattr(options, name) for name in ("pairs", "simulations", "backend")}
    report = Report(options.json, **facts)
    if options.rounds:
        for beside, planned in by_turns(options).items():
            title = f"From the last bar to durable orders, {beside}, ms:"
            report.table(beside, title, latencies(planned))
        report.end()
        return
    with tempfile.TemporaryDirectory() as folder:
        watch, path = Watch(), Path(folder) / "paper"
        begun_s = time.perf_counter()
        trade(path, options, watch)
        soak = watch.soak(time.perf_counter() - begun_s)
        title = "From the last bar to durable orders, ms:"
        report.table("latency", title, latencies(minutes_planned(path)))
    report.table("soak", "What the process held:", [soak])
    report.end()


def by_turns(options: argparse.Namespace) -> dict[str, list[Mapping[str, float]]]:
    """`minutes_planned` of sessions alone and beside a training, over all rounds."""
    planned: dict[str, list[Mapping[str, float]]] = {"alone": [], "beside a retraining": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for beside, kept in planned.items():
                path = Path(folder) / f"{beside} {number}"
                with training() if beside != "alone" else nullcontext():
                    trade(path, options, Watch())
                kept += minutes_planned(path)
    return planned


def trade(path: Path, options: argparse.Namespace, watch: Watch) -> None:
    """Run a session of `options.minutes` decided minutes, after enough history."""
    names = NAMES[: options.pairs]
    settings = PaperSettings(
        pairs={name: name for name in names},
        session=SessionSettings(simulations=options.simulations, backend=options.backend),
    )
    warm = minutes_before(FX_MICRO.market)
    bars = [bars_of(name, seed, warm + options.minutes) for seed, name in enumerate(names)]
    search = replace(FX_MICRO.search, backend=options.backend)
    planner = AgentPlanner(
        lambda _report, _backends: MuZeroAgent(
            fx_micro(), search, AccountStates(FX_ACTIONS), OUTCOMES
        )
    )
    session = make_session(settings, FX_MICRO, planner, MONDAY_NS + warm * MINUTE_NS)
    folder = PaperFolder(path)
    with folder.held():
        folder.begin(settings)
        with PaperStore(folder.store_path) as store:
            recorder = Recorder(folder, store, journal.Journal(folder.journal_path))
            feed = ReplayFeed(bars)
            asyncio.run(
                Engine(
                    folder, settings, session, store, recorder, feed, None, None, watch.minute
                ).run()
            )


def minutes_planned(path: Path) -> list[Mapping[str, float]]:
    """Milliseconds by stage of each minute that planned, from the journal."""
    events = journal.read(path / "journal.jsonl")
    return [e["latency_ms"] for e in events if e["event"] == "minute" and e["simulations"]]


def latencies(planned: Sequence[Mapping[str, float]]) -> list[Latency]:
    """Latencies by stage."""
    rows = []
    for stage in LATENCIES:
        values = [latency[stage] for latency in planned]
        p50, p99 = (float(np.percentile(values, q)) for q in (50, 99))
        rows.append(Latency(stage, p50, p99, max(values)))
    return rows


if __name__ == "__main__":
    main()
