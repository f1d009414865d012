"""Measures what the page of an evaluation costs beyond the evaluation: processor time and memory.

    python scripts/bench_page.py [--preset NAME] [--sessions N] [--simulations N] [--json]

A market is made and a run begun in a temporary folder. Its networks stay as they are initialised:
with 5 or 25 simulations they fill at about every second bar, far more often than a trained agent,
and every fill is explained. `keeping` is what the searches' numbers cost while the agent plays,
`explaining` the decisions, bars, costs and forecasts, `writing` the file. `peak_mib` is the largest
resident memory, and `before_mib` what it had been when the page began. Times are processor seconds
of all threads.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.report import Report
from mlx_muzero.evaluation.page.file import write_page
from mlx_muzero.evaluation.page.kept_searches import KeptSearches
from mlx_muzero.experiment import evaluating
from mlx_muzero.experiment.judging import judged_bars
from mlx_muzero.experiment.result_page import evaluation_page
from mlx_muzero.experiment.trained_run import TrainedRun, load_run

COMMAND = (sys.executable, "-m", "muzero_cli.main")
SYMBOL = "PLANTED_EDGE"
UNTRAINED = (
    *("train.episodes=1", "train.steps_per_episode=0", "collect.envs=2", "replay.min_episodes=1"),
    *("train.validate_sessions=1", "train.batch_size=8", "search.num_simulations_collect=2"),
)


@dataclass(frozen=True)
class Cost:
    """What a page cost, in processor seconds and MiB."""

    decisions: int
    fills: int
    evaluate_s: float
    keeping_s: float
    explaining_s: float
    writing_s: float
    page_s: float
    page_mb: float
    before_mib: float
    peak_mib: float


class _Stopwatch:
    """Sums processor time of all threads of this process."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        began = time.process_time()
        yield
        self.seconds += time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description="What the page of an evaluation costs.")
    parser.add_argument("--preset", default="fx_micro")
    parser.add_argument("--sessions", type=int, default=167, help="of 360 decisions each")
    parser.add_argument("--simulations", type=int, help="of each search (default: the preset's)")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    report = Report(asked.json, preset=asked.preset, simulations=asked.simulations)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder  # the ledger of looks is not to count this
        run = _begun(Path(folder), asked.preset)
        cost = measured(run, Path(folder) / "page.html", asked.sessions, asked.simulations)
        report.table("pages", "The page of an evaluation", [cost])
    report.end()


def measured(run: TrainedRun, path: Path, sessions: int, simulations: int | None) -> Cost:
    """The cost of the page of `run` over so many `sessions` of its training split."""
    keeping, whole, explaining, writing = (_Stopwatch() for _ in range(4))
    keep = KeptSearches.keep

    def timed(*arguments: object) -> None:
        with keeping.running():
            keep(*arguments)  # type: ignore[arg-type]

    bars = judged_bars(run, "train", None, None, ("--from", "--to"), tell=print)
    KeptSearches.keep = timed  # type: ignore[method-assign, assignment]
    with whole.running():
        found = evaluating.evaluate(run, bars, sessions, simulations, keep=True)
    before = _peak_mib()
    with explaining.running():
        page = evaluation_page(run, bars, found, "bench_page")
    with writing.running():
        size = write_page(page, path)
    played = next(iter(found.comparison.judged.values()))
    return Cost(
        played.actions.size,
        0 if page.decisions is None else len(page.decisions),
        whole.seconds - keeping.seconds,
        keeping.seconds,
        explaining.seconds,
        writing.seconds,
        keeping.seconds + explaining.seconds + writing.seconds,
        size / 1e6,
        before,
        _peak_mib(),
    )


def _begun(folder: Path, preset: str) -> TrainedRun:
    store, run = folder / "market.duckdb", folder / "run"
    _call("data", "synth", SYMBOL.lower(), "--db", str(store))
    settings = [word for setting in UNTRAINED for word in ("--set", setting)]
    market = ("--symbol", SYMBOL, "--db", str(store), "--preset", preset)
    _call("train", "--run", str(run), *market, *settings)
    return load_run(run, "latest", None)


def _call(*words: str) -> None:
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"mlx-muzero {' '.join(words)}:\n{done.stdout}{done.stderr}")


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
