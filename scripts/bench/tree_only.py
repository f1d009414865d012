"""Measures simulations per second of the C++ tree, with precomputed rows in place of a network."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np

from bench.timing import by_turns, median_ratio, timed
from mlx_muzero import _core
from mlx_muzero.config.choices import ExpansionMode
from mlx_muzero.search import Search, SearchParams
from mlx_muzero.trading.positions import FX_ACTIONS

ROOTS, OUTCOMES = 16, 3
ACTIONS = FX_ACTIONS.next_position.shape[1]
SIMULATIONS = (50, 100, 200, 400, 800)
DEPTH_LIMIT = 1000
ROWS = 1024
SIMULATIONS_PER_TURN = 100_000


@dataclass(frozen=True)
class TreeRate:
    """Results, medians over the rounds.

    Attributes:
        expansion: what a simulation evaluates.
        simulations: of each of the `ROOTS` roots.
        per_s: simulations of all roots in a second, on one thread.
        of_first: that rate as a part of the one with the fewest simulations; 1 if a simulation
            takes as long however many there are.
        mean_depth: environment steps of a simulation, which lengthen with their number.
        ns_per_edge: nanoseconds for each action and each outcome that simulations went through;
            constant if time grows linearly with them.
    """

    expansion: str
    simulations: int
    per_s: float
    of_first: float
    mean_depth: float
    ns_per_edge: float


def measure(rounds: int) -> Iterator[TreeRate]:
    """Measure one mode after the other, alternating between all numbers of simulations."""
    for expansion in get_args(ExpansionMode):
        searches = {n: _TreeSearch(expansion, n) for n in SIMULATIONS}
        seconds = by_turns(
            {
                str(n): timed(search.run, SIMULATIONS_PER_TURN // (ROOTS * n))
                for n, search in searches.items()
            },
            rounds,
        )
        per_simulation = {n: [s / (ROOTS * n) for s in seconds[str(n)]] for n in SIMULATIONS}
        for n, each in per_simulation.items():
            yield TreeRate(
                expansion,
                n,
                1.0 / statistics.median(each),
                median_ratio(per_simulation[SIMULATIONS[0]], each),
                searches[n].mean_depth,
                statistics.median(each) * 1e9 / searches[n].edges,
            )


class _TreeSearch:
    """Runs a search from reset to its last simulation, directly on the C++ core."""

    def __init__(self, expansion: ExpansionMode, simulations: int) -> None:
        random = np.random.default_rng(0)

        def numbers(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
            return random.normal(size=shape).astype(np.float32)

        def shares(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
            return random.dirichlet(np.ones(shape[-1]), shape[:-1]).astype(np.float32)

        params = SearchParams(
            num_simulations=simulations, depth_limit=DEPTH_LIMIT, expansion=expansion
        )
        self._search = Search(params, FX_ACTIONS.next_position, OUTCOMES)
        self._rows = _core.RowEvaluator(
            outcome_probs=shares(ROWS, OUTCOMES),
            reward=numbers(ROWS, OUTCOMES),
            value=numbers(ROWS, OUTCOMES),
            prior=shares(ROWS, OUTCOMES, ACTIONS),
        )
        self._roots = (
            shares(ROOTS, ACTIONS),
            numbers(ROOTS),
            np.zeros(ROOTS, np.int32),
            np.arange(ROOTS, dtype=np.uint64),
        )
        self.run()
        self.mean_depth = float(self._search.result().statistics.mean_depth.mean())
        # An afterstate is half an environment step and does not count towards the depth.
        afterstates = 0.0
        if expansion == "single_outcome":
            chances = sum(int(self._search.tree(b).kind.sum()) for b in range(ROOTS))
            afterstates = chances / (ROOTS * simulations)
        self.edges = 2.0 * self.mean_depth + afterstates

    @property
    def run(self) -> Callable[[], None]:
        """One search of all roots."""
        core = self._search._core

        def run() -> None:
            core.reset(*self._roots, noise=False)
            core.run(self._rows)

        return run
