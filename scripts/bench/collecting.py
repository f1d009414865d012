"""Collects with fx_micro's networks when told to, in its own process.

    cd scripts && PYTHON -m bench.collecting ENVS SIMULATIONS STEPS PRECISION

PYTHON may be another checkout's, of a build that knows the precision. A line on standard input is
how many rounds to collect; the answer is a line of JSON with their mean seconds of processor time,
of all threads, which others on the machine hardly change.
"""

import json
import sys
import time
from dataclasses import replace
from typing import Any

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces
from mlx_muzero.agent.muzero_agent import MuZeroAgent
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.config.schema import Config
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.market.synthetic.markets import random_walk
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.collector import Collector
from mlx_muzero.training.models import build_muzero

MARKET_DAYS = 10


def config_of(simulations: int, steps: int, precision: str, backend: str = "native") -> Config:
    """fx_micro on a random walk, in sessions of so many steps."""
    # Builds before there was a choice take no precision.
    chosen: dict[str, Any] = {} if precision == "float32" else {"precision": precision}
    search: Any = {"num_simulations_collect": simulations, "backend": backend, **chosen}
    return replace(
        FX_MICRO,
        market=replace(FX_MICRO.market, symbol=Symbol("RANDOM_WALK"), session_bars=steps),
        search=replace(FX_MICRO.search, **search),
    )


def market_of(config: Config) -> MarketDataset:
    """The bars that sessions are drawn from."""
    bars, _ = random_walk(0, MARKET_DAYS)
    return MarketDataset.from_bars(bars, config.market)


def seconds_to_collect(collector: Collector, agent: MuZeroAgent, envs: int) -> float:
    """Seconds in which the agent plays a session in each environment."""
    start = time.perf_counter()
    collector.collect(agent, 0, envs, lambda _decisions: None)
    return time.perf_counter() - start


def main() -> None:
    envs, simulations, steps = map(int, sys.argv[1:4])
    config = config_of(simulations, steps, sys.argv[4])
    rules = TradingRules.from_config(config)
    collector = Collector(config, market_of(config), rules)
    model = build_muzero(config, rules.table)
    agent = MuZeroAgent(model, config.search, rules.states, len(OUTCOME_NAMES))
    for line in sys.stdin:
        start = time.process_time()
        for _ in range(int(line)):
            seconds_to_collect(collector, agent, envs)
        seconds = (time.process_time() - start) / int(line)
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
