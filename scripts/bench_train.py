"""Measures one training step: as it is taken, compiled, and its matrix products alone.

    python scripts/bench_train.py [--batch N] [--unroll K] [--rounds N] [--json]

The networks and losses of fx_micro on random numbers, on MLX's CPU. What is compared takes turns,
round by round. The products are those of every linear layer, forward and backward, one after the
other: what a step could not be faster than with this BLAS.
"""

import argparse
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from unittest.mock import patch

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces

# isort: split
import mlx.core as mx
import mlx.nn as nn
import numpy as np

from bench.networks import OUTCOMES
from bench.report import Report
from bench.timing import Timed, by_turns, median_ratio, timed
from mlx_muzero import blas
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.losses import DeviceBatch, losses
from mlx_muzero.training.models import build_muzero
from mlx_muzero.training.targets import Batch

ACTIONS = len(FX_ACTIONS.action_names)


@dataclass(frozen=True)
class Product:
    """A linear layer's product, [rows, inputs] by [inputs, outputs]; `learned`: has gradients."""

    rows: int
    inputs: int
    outputs: int
    learned: bool

    @property
    def flops(self) -> int:
        """Multiplications and additions, including those of the gradients."""
        return (6 if self.learned else 2) * self.rows * self.inputs * self.outputs


@dataclass(frozen=True)
class Timing:
    """One way to take a step."""

    what: str
    ms: float
    over_products: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of a training step.")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--unroll", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report(options.json, batch=options.batch, unroll=options.unroll)
    batch = random_batch(options.batch, options.unroll)
    found = products_of(batch)
    flops = sum(product.flops for product in found)
    report.note(f"{len(found)} products forward, {flops / 1e9:.2f} GFLOP with their gradients")
    for threads in (1, 2):
        blas.set_num_threads(threads)
        heading = f"A step, BLAS on {threads} threads:"
        report.table(f"threads_{threads}", heading, measure(batch, found, options.rounds))
    report.end()


def measure(batch: Batch, found: list[Product], rounds: int) -> Iterator[Timing]:
    actions = {
        "products": timed_products(found),
        "step": step(batch),
        "compiled step": step(batch, compiled=True),
    }
    seconds = by_turns(actions, rounds)
    for what, times in seconds.items():
        ms = 1e3 * statistics.median(times)
        yield Timing(what, ms, median_ratio(times, seconds["products"]))


def step(batch: Batch, compiled: bool = False) -> Timed:
    learner = Learner(build_muzero(FX_MICRO, FX_ACTIONS), FX_MICRO.train)
    if compiled:
        state = learner._state
        learner._step = mx.compile(learner._eager_step, inputs=state, outputs=state)
    return timed(lambda: learner.step(batch))


def timed_products(found: list[Product]) -> Timed:
    arrays = {}
    for p in set(found):
        shapes = (p.rows, p.inputs), (p.outputs, p.inputs), (p.rows, p.outputs)
        arrays[p] = x, w, g = [mx.random.normal(shape) for shape in shapes]
        mx.eval(x, w, g)

    def run() -> None:
        done = []
        for product in found:
            x, w, g = arrays[product]
            done.append(x @ w.T)
            if product.learned:
                done += [g @ w, g.T @ x]
        mx.eval(done)

    return timed(run)


def products_of(batch: Batch) -> list[Product]:
    """The products of every linear layer that a batch passes through."""
    model = build_muzero(FX_MICRO, FX_ACTIONS)
    model.train()
    found: list[Product] = []
    original = nn.Linear.__call__

    def call(layer: nn.Linear, x: mx.array) -> mx.array:
        outputs, inputs = layer.weight.shape
        # Targets are made in evaluation mode.
        found.append(Product(x.size // inputs, inputs, outputs, layer.training))
        return original(layer, x)

    with patch.object(nn.Linear, "__call__", call):
        losses(model, DeviceBatch.of(batch), FX_MICRO.train)
    return found


def random_batch(n: int, k: int) -> Batch:
    random, market = np.random.default_rng(0), FX_MICRO.market
    features = build_muzero(FX_MICRO, FX_ACTIONS).features

    def normal(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    visits = np.abs(normal(n, k + 1, ACTIONS))
    return Batch(
        observation=normal(n, k + 1, market.window_bars, features),
        action=random.integers(0, ACTIONS, (n, k)).astype(np.int32),
        outcome=random.integers(0, OUTCOMES, (n, k)).astype(np.int32),
        reward=normal(n, k),
        policy=visits / visits.sum(axis=-1, keepdims=True),
        value=normal(n, k + 1),
        afterstate_value=normal(n, k),
        valid=np.ones((n, k + 1), np.float32),
    )


if __name__ == "__main__":
    main()
