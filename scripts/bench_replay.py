"""Measures replay: the memory of a full buffer and the time of one training batch.

    python scripts/bench_replay.py [--rounds N] [--json]

Fills a buffer of fx_micro's size (10,000 episodes of 360 steps) through `ReplayBuffer.add`, 16
episodes at a time as the collector does, and compares with what storing the observations would
take. Exits with 1 if the process grew by 500 MB or more.
"""

import argparse
import json
import statistics
import sys
import time

import numpy as np

import mlx_muzero
from bench.resources import resident_bytes
from mlx_muzero import rng
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.synthetic.markets import random_walk
from mlx_muzero.profiling import doctor
from mlx_muzero.trading.core import POSITION_FEATURES
from mlx_muzero.trading.env import observation_features
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.training.replay import Episodes, ReplayBuffer
from mlx_muzero.training.targets import make_batch
from mlx_muzero.types import I64

MARKET_DAYS = 60
GROWTH_LIMIT_BYTES = 500_000_000
MB = 1e6


def played(random: np.random.Generator, starts: I64, count: int) -> Episodes:
    """`count` episodes of random decisions; every number differs, so that no page is shared."""
    steps, actions = FX_MICRO.market.session_bars, len(FX_ACTIONS.action_names)
    features = len(POSITION_FEATURES)
    return Episodes(
        start=random.choice(starts, count),
        position=random.integers(0, 3, (count, steps), np.int8),
        position_features=random.random((count, steps, features), np.float32),
        action=random.integers(0, actions, (count, steps), np.int8),
        reward=random.random((count, steps), np.float32),
        policy=random.random((count, steps, actions), np.float32),
        value=random.random((count, steps), np.float32),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory and sampling time of replay.")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    config, train = FX_MICRO, FX_MICRO.train
    random = np.random.default_rng(0)
    bars, _ = random_walk(0, MARKET_DAYS)
    dataset = MarketDataset.from_bars(bars, config.market)
    starts = dataset.training_starts()
    batch_of = played(random, starts, config.collect.envs)
    before = resident_bytes()
    buffer = ReplayBuffer(
        config.replay,
        seed=0,
        steps=config.market.session_bars,
        actions=len(FX_ACTIONS.action_names),
        position_features=len(POSITION_FEATURES),
    )
    began = time.perf_counter()
    while len(buffer) < config.replay.max_episodes:
        buffer.add(batch_of)
    filled_s = time.perf_counter() - began
    growth = resident_bytes() - before

    def sample(step: int) -> float:
        start = time.perf_counter()
        keys = rng.key(0, rng.Stream.BATCH, step, np.arange(train.batch_size))
        make_batch(
            buffer.episodes,
            *buffer.sample(keys),
            dataset,
            unroll_steps=train.num_unroll_steps,
            td_steps=train.td_steps,
            discount=config.search.discount,
        )
        return time.perf_counter() - start

    sample(0)
    batch_s = statistics.median(sample(step) for step in range(1, options.rounds + 1))
    steps = config.replay.max_episodes * config.market.session_bars
    stored = steps * config.market.window_bars * len(observation_features(config)) * 4
    facts = {
        "machine": doctor.check_machine().detail,
        "python": doctor.check_python().detail,
        "mlx_muzero": mlx_muzero.__version__,
        "numpy": np.__version__,
        "episodes": len(buffer),
        "fill_s": filled_s,
        "buffer_bytes": buffer.nbytes,
        "resident_growth_bytes": growth,
        "stored_observations_bytes": stored,
        "times_smaller": stored / growth,
        "batch_ms": batch_s * 1e3,
    }
    if options.json:
        print(json.dumps(facts))
    else:
        print(f"{facts['machine']}; {facts['python']}, NumPy {np.__version__}")
        print(f"{len(buffer):,} episodes of {config.market.session_bars} steps in {filled_s:.1f} s")
        print(f"arrays {buffer.nbytes / MB:.0f} MB; the process grew by {growth / MB:.0f} MB")
        print(f"observations stored would take {stored / MB:,.0f} MB, {stored / growth:.1f} times")
        print(
            f"sample and make_batch, {train.batch_size} positions, K = {train.num_unroll_steps}: "
            f"{batch_s * 1e3:.2f} ms, median of {options.rounds}"
        )
    if growth >= GROWTH_LIMIT_BYTES:
        sys.exit(f"the process grew by {growth / MB:.0f} MB, 500 MB or more")


if __name__ == "__main__":
    main()
