"""Measures the search by itself: simulations per second with a table for a network.

    python scripts/bench_search.py [--threads N] [--repeats N]

The evaluator hands out precomputed arrays, so the time is that of select, backup and their Python
face. The pure-Python twin runs in the same process, a repeat of it after each repeat of the core,
so that their ratio holds even where the machine is busy.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

import mlx_muzero
from mlx_muzero.config import Expansion as ExpansionMode
from mlx_muzero.search import (
    Expansion,
    Leaves,
    Search,
    SearchParams,
    SingleExpansion,
    SingleLeaves,
)
from mlx_muzero.search.reference_search import ReferenceSearch
from mlx_muzero.types import F32

ROOTS, ACTIONS, OUTCOMES = 16, 4, 3
POSITIONS = np.array([[0, 1, 2, -1], [1, -1, -1, 0], [2, -1, -1, 0]], np.int32)
DEPTH_LIMIT = 1000
ROUNDS = 64
MODES: tuple[ExpansionMode, ...] = ("all_outcomes", "single_outcome")


@dataclass
class TableEvaluator:
    """Answers from arrays computed beforehand, another round of them at every call."""

    random: np.random.Generator
    calls: int = 0
    probs: F32 = field(init=False)
    prior: F32 = field(init=False)
    numbers: F32 = field(init=False)

    def __post_init__(self) -> None:
        one = np.ones(OUTCOMES)
        self.probs = self.random.dirichlet(one, (ROUNDS, ROOTS)).astype(np.float32)
        shape = (ROUNDS, ROOTS, OUTCOMES)
        self.prior = self.random.dirichlet(np.ones(ACTIONS), shape).astype(np.float32)
        self.numbers = self.random.normal(size=(2, *shape)).astype(np.float32)

    def expand(self, leaves: Leaves | SingleLeaves) -> Expansion | SingleExpansion:
        """Rows of this call's round."""
        self.calls += 1
        r = self.calls % ROUNDS
        reward, value = self.numbers[:, r]
        n = len(leaves.tree)
        if isinstance(leaves, Leaves):
            return Expansion(self.probs[r, :n], reward[:n], value[:n], self.prior[r, :n])
        k = len(leaves.chance_tree)
        return SingleExpansion(
            self.probs[r, :k],
            value.reshape(-1)[:k],
            reward.reshape(-1)[:n],
            value.reshape(-1)[-n or ROOTS * OUTCOMES :],
            self.prior[r, :n, 0],
        )


def finish(search: Search | ReferenceSearch, evaluator: TableEvaluator) -> None:
    while (leaves := search.select()) is not None:
        search.backup(evaluator.expand(leaves))
    search.result()


def seconds(action: Callable[[], None]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(mode: ExpansionMode, simulations: int, threads: int, repeats: int) -> str:
    random = np.random.default_rng(0)
    params = SearchParams(num_simulations=simulations, depth_limit=DEPTH_LIMIT, expansion=mode)
    core = Search(params, POSITIONS, OUTCOMES, threads)
    twin = ReferenceSearch(params, POSITIONS, OUTCOMES)
    evaluator = TableEvaluator(random)
    prior = random.dirichlet(np.ones(ACTIONS), ROOTS).astype(np.float32)
    value = random.normal(size=ROOTS).astype(np.float32)
    position = (np.arange(ROOTS) % len(POSITIONS)).astype(np.int32)
    seed = np.arange(ROOTS, dtype=np.uint64)

    def run_core() -> None:
        core.reset(prior, value, position, seed, noise=False)
        finish(core, evaluator)

    def run_twin() -> None:
        twin.reset(prior, value, position)
        finish(twin, evaluator)

    run_core()
    core_times, twin_times = [], []
    for _ in range(repeats):
        core_times.append(statistics.median(seconds(run_core) for _ in range(20)))
        twin_times.append(seconds(run_twin))
    total = ROOTS * simulations
    core_rate = total / statistics.median(core_times)
    twin_rate = total / statistics.median(twin_times)
    ratio = statistics.median(t / c for c, t in zip(core_times, twin_times, strict=True))
    return (
        f"{mode:15} {ROOTS:3} x {simulations:3}  {core_rate / 1e3:8.0f}k sims/s"
        f"  twin {twin_rate / 1e3:6.1f}k  ratio {ratio:5.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulations per second of the search alone.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(
        f"mlx_muzero {mlx_muzero.__version__}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, {platform.platform()}, {platform.processor() or 'CPU unknown'}, "
        f"threads {options.threads}, median of {options.repeats}"
    )
    for mode in MODES:
        for simulations in (25, 50, 200):
            print(measure(mode, simulations, options.threads, options.repeats), flush=True)


if __name__ == "__main__":
    main()
