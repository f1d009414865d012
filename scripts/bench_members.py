"""How fast a factored model of several sets of networks is played, by backends and as one set.

    python scripts/bench_members.py [--members N ...] [--roots N ...] [--rounds N] [--json]

Sizes and columns are those of the preset fx_intraday. A call reads no bar ahead, as that preset
plays. The native backend computes every member by itself; next to it stand MLX, and the native
backend with the members as one wide set of networks, whose products are mostly with zeros, as
exports compute them. All have one thread and take turns.
"""

import argparse
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from mlx.utils import tree_unflatten

from bench.report import Report
from bench.timing import by_turns, median_ratio, timed
from mlx_muzero.backends.mlx_market import MlxMarket
from mlx_muzero.backends.native_market import NativeMarket
from mlx_muzero.config.presets import FX_INTRADAY
from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.merging import as_one_set
from mlx_muzero.search.market_evaluator import MarketEvaluator
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.training.models import build_factored
from mlx_muzero.types import F32

CALLS = 20
"""Of a backend in a row, per turn."""


@dataclass(frozen=True)
class MembersRate:
    """Results, medians over the rounds.

    Attributes:
        members: sets of networks.
        roots: observations of a call.
        us_per_root: microseconds of the native backend.
        over_mlx: roots per second over those of MLX.
        over_one_set: roots per second over those of the members as one wide set.
    """

    members: int
    roots: int
    us_per_root: float
    over_mlx: float
    over_one_set: float


def rates(members: Sequence[int], roots: Sequence[int], rounds: int) -> Iterator[MembersRate]:
    """One row for each model and number of roots."""
    for count in members:
        model = _model(replace(FX_INTRADAY.model, members=count))
        markets: dict[str, MarketEvaluator] = {
            "native": NativeMarket(model, 1),
            "mlx": MlxMarket(model),
            "one set": NativeMarket(_as_one_set(model), 1),
        }
        for some in roots:
            shape = (some, model.window_bars, model.features)
            observation = np.random.default_rng(0).normal(size=shape).astype(np.float32)
            calls = {name: timed(_call(each, observation), CALLS) for name, each in markets.items()}
            seconds = by_turns(calls, rounds)
            yield MembersRate(
                count,
                some,
                statistics.median(seconds["native"]) / some * 1e6,
                median_ratio(seconds["mlx"], seconds["native"]),
                median_ratio(seconds["one set"], seconds["native"]),
            )


def _model(sizes: ModelConfig) -> FactoredModel:
    config = replace(FX_INTRADAY, model=sizes)
    return build_factored(config, TradingRules.from_config(config).table)


def _as_one_set(model: FactoredModel) -> FactoredModel:
    """A model of one member that tells the same."""
    width = model.config.latent_width * len(model.members)
    wide = _model(replace(model.config, latent_width=width, members=1))
    wide.update(tree_unflatten(list(as_one_set(model).items())))
    return wide


def _call(market: MarketEvaluator, observation: F32) -> Callable[[], object]:
    return lambda: market.ahead(observation, 0)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, nargs="+", default=[1, 8, 24])
    parser.add_argument("--roots", type=int, nargs="+", default=[16, 128])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report(options.json, rounds=options.rounds)
    rows = rates(options.members, options.roots, options.rounds)
    report.table("members", "Decisions without reading ahead, one thread:", rows)
    report.end()


if __name__ == "__main__":
    main()
