"""Measures what watching costs: training throughput with the terminal application and without.

    python scripts/bench_tui.py [--rounds N] [--seconds N] [--columns N] [--lines N]

One training of the full fx_micro networks on a random walk, with short sessions so that a round of
collecting and learning takes a second or two. It is watched and left alone in turns, in an order
that changes from round to round; throughput is that of the rounds its journal has in a turn. The
application runs in a pseudo-terminal whose output is thrown away.
"""

import argparse
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.report import Report
from bench.resources import cpu_seconds
from bench.terminal import quit_by_q
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.synthetic.markets import random_walk
from mlx_muzero.runlog import journal

SETTINGS = (
    "trading.reward=mark_to_market", "market.session_bars=60", "collect.envs=8",
    "search.num_simulations_collect=8", "replay.min_episodes=8", "train.batch_size=32",
    "train.steps_per_episode=1", "train.episodes=1000000", "train.validate_interval=1000000",
    "train.checkpoint_interval=1000000",
)  # fmt: skip
FIRST_LINE_S = 300.0
PAINTED_S = 3.0
"""Delay before the application is measured: it starts once, then watches for hours."""

COMMAND = (sys.executable, "-m", "muzero_cli.main")


@dataclass(frozen=True)
class Turn:
    """A watched stretch and its unwatched neighbour; throughputs are episodes per minute."""

    round: int
    alone: float
    watched: float
    ratio: float
    ui_cpu_frac: float


def main() -> None:
    parser = argparse.ArgumentParser(description="What watching a training costs.")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=40.0, help="of each turn")
    parser.add_argument("--columns", type=int, default=120)
    parser.add_argument("--lines", type=int, default=36)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    size = f"{options.columns}x{options.lines}"
    report = Report(options.json, terminal=size, seconds=options.seconds)
    with tempfile.TemporaryDirectory() as folder, training(Path(folder)) as run:
        turns = []
        for number in range(options.rounds):
            turns.append(measure(run, number, options))
            report.table(f"round {number}", f"Round {number}:", turns[-1:])
    ratio = statistics.median(turn.ratio for turn in turns)
    cpu = statistics.median(turn.ui_cpu_frac for turn in turns)
    report.table("median", "Median:", [Summary(ratio, cpu)])
    report.end()


@dataclass(frozen=True)
class Summary:
    """Watched throughput over unwatched, and the application's share of a core."""

    ratio: float
    ui_cpu_frac: float


def measure(run: Path, number: int, options: argparse.Namespace) -> Turn:
    """One stretch of each kind, the watched one first in every other round."""
    found, cpu = {}, 0.0
    for watched in (False, True) if number % 2 else (True, False):
        if watched:
            with watching(run, options.columns, options.lines) as pid:
                before = cpu_seconds(pid)
                found[True] = throughput(run, options.seconds)
                cpu = (cpu_seconds(pid) - before) / options.seconds
        else:
            found[False] = throughput(run, options.seconds)
    return Turn(number, found[False], found[True], found[True] / found[False], cpu)


def throughput(run: Path, seconds: float) -> float:
    """Episodes per minute of the rounds that end within the next `seconds`, at least two."""
    started = datetime.now(UTC)
    time.sleep(seconds)
    while len(ends := rounds_since(run, started)) < 2:
        time.sleep(0.5)
    (first, from_), *_, (last, to) = ends
    return 60.0 * (to - from_) / (last - first).total_seconds()


def rounds_since(run: Path, started: datetime) -> list[tuple[datetime, int]]:
    """When the rounds since `started` ended, and the number of episodes by then."""
    ends = [
        (datetime.fromisoformat(event["time"]), event["episodes"])
        for event in journal.read(run / "journal.jsonl")
        if event["event"] == "collected"
    ]
    return [end for end in ends if end[0] >= started]


@contextmanager
def training(folder: Path) -> Iterator[Path]:
    """Train until the end of the block; the block starts when training has warmed up."""
    store, run = folder / "market.duckdb", folder / "run"
    bars, truth = random_walk(seed=0, days=10)
    with BarStore(store) as opened:
        opened.write_synthetic(bars, truth)
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    arguments = ["train", "--run", str(run), "--symbol", bars.symbol, "--db", str(store), *settings]
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen([*COMMAND, *arguments], stdout=log, stderr=log)
        try:
            limit = time.monotonic() + FIRST_LINE_S
            while not _has_learned(run):
                if process.poll() is not None or time.monotonic() > limit:
                    log.seek(0)
                    raise SystemExit(f"the training did not begin:\n{log.read()}")
                time.sleep(0.5)
            yield run
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _has_learned(run: Path) -> bool:
    path = run / "journal.jsonl"
    return path.exists() and any(event["event"] == "learned" for event in journal.read(path))


@contextmanager
def watching(run: Path, columns: int, lines: int) -> Iterator[int]:
    """The application's PID, once it has painted; it is quit at the end of the block."""
    with quit_by_q([*COMMAND, "tui", str(run)], columns, lines) as terminal:
        time.sleep(PAINTED_S)
        yield terminal.pid


if __name__ == "__main__":
    main()
