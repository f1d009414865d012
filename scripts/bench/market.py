"""Measures decisions per second over a factored model, and the networks' share of the time.

A decision here is all of it, from the window of bars to the action. Network time is that of
evaluating the same market states; what remains is the account's arithmetic, in NumPy.
"""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bench.timing import Timed, by_turns, median_ratio, timed
from mlx_muzero.agent.backend_choice import BACKENDS, make_market
from mlx_muzero.agent.factored_agent import FactoredAgent
from mlx_muzero.config.presets import FX_FACTORED
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.search.expectimax import depth_within
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F32

DEPTH_LIMIT = 1000
_CALLS = 20


@dataclass(frozen=True)
class MarketRate:
    """Results, medians over the rounds.

    Attributes:
        roots: decided for together.
        simulations: market states that a decision may evaluate.
        depth: to which the market is read.
        backend: what computes the networks, on one thread; MLX brings its own.
        decisions_per_s: roots decided for in a second.
        network_share: of the time of a decision.
        over_mlx: decisions per second over those of MLX.
    """

    roots: int
    simulations: int
    depth: int
    backend: str
    decisions_per_s: float
    network_share: float
    over_mlx: float


def measure(
    model: FactoredModel, roots: list[int], simulations: list[int], rounds: int
) -> Iterator[MarketRate]:
    """Measure every cell of the grid, alternating between the backends."""
    for count in roots:
        for n in simulations:
            yield from _cell(model, count, n, rounds)


def _cell(model: FactoredModel, count: int, simulations: int, rounds: int) -> Iterator[MarketRate]:
    shape = (count, model.window_bars, model.features)
    observation = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    depth = depth_within(simulations, model.outcomes, DEPTH_LIMIT)
    actions: dict[str, Timed] = {}
    for backend in BACKENDS:
        search = replace(FX_FACTORED.search, backend=backend, depth_limit=DEPTH_LIMIT, threads=1)
        actions[backend] = _decision(model, search, observation, simulations)
        actions[f"{backend} network"] = _reading(model, search, observation, depth)
    seconds = by_turns(actions, rounds)
    for backend in BACKENDS:
        yield MarketRate(
            count,
            simulations,
            depth,
            backend,
            count / statistics.median(seconds[backend]),
            median_ratio(seconds[f"{backend} network"], seconds[backend]),
            median_ratio(seconds["mlx"], seconds[backend]),
        )


def _decision(
    model: FactoredModel, search: SearchConfig, observation: F32, simulations: int
) -> Timed:
    agent = FactoredAgent(model, search, TradingRules.from_config(FX_FACTORED))
    flat, seed = np.zeros(len(observation), np.int32), np.zeros(len(observation), np.uint64)
    return timed(
        lambda: agent.plan(observation, flat, seed, simulations=simulations, noise=False), _CALLS
    )


def _reading(model: FactoredModel, search: SearchConfig, observation: F32, depth: int) -> Timed:
    market = make_market(model, search)
    return timed(lambda: market.ahead(observation, depth), _CALLS)
