"""Measures decisions per second with each backend, and the networks' share of the time.

A decision here is a search; the root's inference, once a decision, is not in it. Pure network time
is that of the same batches of leaves evaluated once more without a tree: for `native` in C++ on as
many threads, for `mlx` by `MlxEvaluator.expand` and `expand_single`.
"""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import mlx.core as mx
import numpy as np

from bench.networks import OUTCOMES, Roots
from bench.timing import Timed, by_turns, median_ratio, timed
from mlx_muzero import _core
from mlx_muzero.backends.mlx import MlxEvaluator
from mlx_muzero.backends.native import NativeEvaluator
from mlx_muzero.config.choices import ExpansionMode, Precision
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search import (
    Expansion,
    Leaves,
    Search,
    SearchParams,
    SingleExpansion,
    SingleLeaves,
)
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.types import F32, I32, U64

DEPTH_LIMIT = 1000


@dataclass(frozen=True)
class BackendRate:
    """Results, medians over the rounds.

    Attributes:
        expansion: what a simulation evaluates.
        roots: searched together.
        simulations: of each root.
        backend: what evaluates the leaves.
        precision: of its large products.
        threads: of the search; MLX brings its own.
        decisions_per_s: roots searched in a second.
        over_network: search time over pure network time.
        over_one_thread: decisions per second over those of the same backend on one thread.
    """

    expansion: str
    roots: int
    simulations: int
    backend: str
    precision: str
    threads: int
    decisions_per_s: float
    over_network: float
    over_one_thread: float


@dataclass(frozen=True)
class Variant:
    """A backend on a number of threads: its whole search, and the part its networks take."""

    backend: str
    precision: Precision
    threads: int
    search: Timed
    network: Timed


def measure(
    model: StochasticMuZero,
    roots: list[int],
    simulations: list[int],
    rounds: int,
    precision: Precision,
) -> Iterator[BackendRate]:
    """Measure every cell of the grid, alternating between all backends and threads.

    `precision` is that of `native`; MLX computes in float32.
    """
    for expansion in get_args(ExpansionMode):
        for count in roots:
            for n in simulations:
                params = SearchParams(
                    num_simulations=n, depth_limit=DEPTH_LIMIT, expansion=expansion
                )
                yield from _cell(model, Roots.of(model, count), params, rounds, precision)


def _cell(
    model: StochasticMuZero,
    roots: Roots,
    params: SearchParams,
    rounds: int,
    precision: Precision,
) -> Iterator[BackendRate]:
    count = len(roots.value)
    variants = [
        native(model, roots, params, 1, precision),
        native(model, roots, params, 2, precision),
        mlx(model, roots, params),
    ]
    searches = [f"{variant.backend} {variant.threads}" for variant in variants]
    networks = [f"{search} network" for search in searches]
    seconds = by_turns(
        {name: v.search for name, v in zip(searches, variants, strict=True)}
        | {name: v.network for name, v in zip(networks, variants, strict=True)},
        rounds,
    )
    for variant, search, network in zip(variants, searches, networks, strict=True):
        yield BackendRate(
            params.expansion,
            count,
            params.num_simulations,
            variant.backend,
            variant.precision,
            variant.threads,
            count / statistics.median(seconds[search]),
            median_ratio(seconds[search], seconds[network]),
            median_ratio(seconds[f"{variant.backend} 1"], seconds[search]),
        )


def native(
    model: StochasticMuZero, roots: Roots, params: SearchParams, threads: int, precision: Precision
) -> Variant:
    """A search entirely in C++."""
    search = Search(params, FX_ACTIONS.next_position, OUTCOMES, threads)
    evaluator = NativeEvaluator(model, precision=precision)
    recording = _core.RecordingEvaluator(evaluator.core)
    latents, start = mx.array(roots.latent), _start(roots)

    def network() -> float:
        # Recorded again each time, because threads divide the trees differently each time.
        search._core.reset(*start)
        search._core.run(recording)
        return timed(recording.replay)()

    def run() -> object:
        return search.run(evaluator, latents, *start)

    return Variant("native", precision, threads, timed(run), network)


def mlx(model: StochasticMuZero, roots: Roots, params: SearchParams) -> Variant:
    """A search with the loop of `Search.run` in Python around the MLX model."""
    search = Search(params, FX_ACTIONS.next_position, OUTCOMES)
    evaluator = MlxEvaluator(model)
    latents, start = mx.array(roots.latent), _start(roots)

    def expand(leaves: Leaves | SingleLeaves) -> Expansion | SingleExpansion:
        if isinstance(leaves, Leaves):
            return evaluator.expand(leaves)
        return evaluator.expand_single(leaves)

    batches = []
    search.reset(*start)
    evaluator.reset(latents, search.root_slots(), search.capacity)
    while (leaves := search.select()) is not None:
        batches.append(leaves)
        search.backup(expand(leaves))

    def run() -> object:
        return search.run(evaluator, latents, *start)

    def network() -> object:
        return [expand(leaves) for leaves in batches]

    return Variant("mlx", "float32", 1, timed(run), timed(network))


def _start(roots: Roots) -> tuple[F32, F32, I32, U64, bool]:
    """Arguments of `Search.reset`: every root flat, without noise."""
    count = len(roots.value)
    return (
        roots.prior,
        roots.value,
        np.zeros(count, np.int32),
        np.arange(count, dtype=np.uint64),
        False,
    )
