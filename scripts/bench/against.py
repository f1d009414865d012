"""Compares the native backend with another build's, and precisions with float32, by turns."""

import statistics
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

from bench.timing import by_turns, median_ratio
from bench.worker import Worker, working
from mlx_muzero.config.choices import ExpansionMode, Precision

SEARCHES = 5
"""Calls in a row per turn: the first one finds the caches full of another's data."""


@dataclass(frozen=True)
class CollectingRate:
    """Results, medians over the rounds.

    Attributes:
        envs: sessions in lockstep.
        simulations: of each decision.
        precision: of this build; the other computes in float32.
        decisions_per_s: decisions of all sessions in a second of processor time.
        over_against: decisions per second over the other build's.
    """

    envs: int
    simulations: int
    precision: str
    decisions_per_s: float
    over_against: float


@dataclass(frozen=True)
class BuildRate:
    """Results on one thread, medians over the rounds.

    Attributes:
        expansion: what a simulation evaluates.
        roots: searched together.
        simulations: of each root.
        precision: of this build; the other computes in float32.
        decisions_per_s: roots searched in a second of processor time.
        over_against: decisions per second over the other build's.
        same_bits: whether both found the same visits and values; None in another precision.
    """

    expansion: str
    roots: int
    simulations: int
    precision: str
    decisions_per_s: float
    over_against: float
    same_bits: bool | None


def measure(
    other: Path, roots: list[int], simulations: list[int], rounds: int
) -> Iterator[BuildRate]:
    """Measure every cell of the grid against the checkout `other`, which has its own .venv."""
    for expansion in get_args(ExpansionMode):
        for count in roots:
            for n in simulations:
                yield from _cell(other, (expansion, str(count), str(n)), rounds)


def measure_collecting(
    other: Path, envs: list[int], simulations: int, steps: int, precision: Precision, rounds: int
) -> Iterator[CollectingRate]:
    """Measure collecting with that many sessions at a time against the checkout `other`."""
    for count in envs:
        cell = str(count), str(simulations), str(steps)
        with ExitStack() as running:
            mine = running.enter_context(_worker(None, "collecting", (*cell, precision)))
            others = running.enter_context(_worker(other, "collecting", (*cell, "float32")))
            turns = {"mine": partial(_once, mine), "others": partial(_once, others)}
            seconds = by_turns(turns, rounds)
        rate = count * steps / statistics.median(seconds["mine"])
        ratio = median_ratio(seconds["others"], seconds["mine"])
        yield CollectingRate(count, simulations, precision, rate, ratio)


def _once(worker: Worker) -> float:
    return float(worker.ask(1)["seconds"])


def _cell(other: Path, cell: tuple[str, str, str], rounds: int) -> Iterator[BuildRate]:
    expansion, count, simulations = cell
    with ExitStack() as running:
        workers = {
            precision: running.enter_context(_worker(None, "searching", (*cell, precision)))
            for precision in get_args(Precision)
        }
        workers["against"] = running.enter_context(_worker(other, "searching", (*cell, "float32")))
        found: dict[str, str] = {}

        def timed(name: str) -> float:
            answer = workers[name].ask(SEARCHES)
            found[name] = answer["found"]
            return float(answer["seconds"])

        seconds = by_turns({name: partial(timed, name) for name in workers}, rounds)
    for precision in get_args(Precision):
        yield BuildRate(
            expansion,
            int(count),
            int(simulations),
            precision,
            int(count) / statistics.median(seconds[precision]),
            median_ratio(seconds["against"], seconds[precision]),
            found[precision] == found["against"] if precision == "float32" else None,
        )


def _worker(
    checkout: Path | None, module: str, cell: tuple[str, ...]
) -> AbstractContextManager[Worker]:
    """A module of this folder that repeats something when told how often.

    It runs on the build of another checkout, or of this one.
    """
    own = Path(sys.executable)
    python = own if checkout is None else checkout.resolve() / ".venv" / "bin" / "python"
    return working(python, ["-m", f"bench.{module}", *cell])
