"""Measures one training step, next to its matrix products alone and to another build's step.

    python scripts/bench_train.py [--against CHECKOUT] [--shape BATCH,UNROLL ...] [--rounds N]
        [--steps N] [--json]

The networks and losses of fx_micro on random numbers, on MLX's CPU with one BLAS thread. Every
build takes its steps in a process of its own, with its own checkout's environment. What is compared
takes turns, round by round. The products are those of every linear layer, forward and backward, one
after the other: what a step could not be faster than with this BLAS. Processor time counts the
threads of both MLX and Python, and varies less than the clock where others use the machine.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces

# isort: split
import mlx.core as mx
import mlx.nn as nn

from bench.report import Report
from bench.timing import median_ratio
from bench.training_step import random_batch
from bench.worker import working
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.networks import closed_form
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.training.heap import keep_freed_memory
from mlx_muzero.training.losses import DeviceBatch, losses
from mlx_muzero.training.models import build_muzero

WORKER = Path(__file__).resolve().parent / "bench" / "training_step.py"
SHAPES = ("64,5", "128,3")

Seconds = dict[str, float]
"""Mean of a step: "wall" and "cpu"."""


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
    """A step, medians over the rounds.

    Attributes:
        what: a build's step, or the products alone.
        wall_ms: wall-clock time.
        cpu_ms: processor time of all its threads.
        over_products: wall-clock time over that of the products.
        over_against: wall-clock time over that of the other build; None without one.
        cpu_over_against: the same of processor time.
    """

    what: str
    wall_ms: float
    cpu_ms: float
    over_products: float
    over_against: float | None
    cpu_over_against: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of a training step.")
    parser.add_argument("--against", type=Path, help="another checkout, with its .venv")
    parser.add_argument("--shape", nargs="+", default=SHAPES, help="positions and unrolled steps")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=5, help="of a round")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    builds = {"this build": Path(sys.executable)}
    if options.against is not None:
        builds["against"] = options.against.resolve() / ".venv" / "bin" / "python"
    report = Report(options.json, against=options.against and str(options.against))
    keep_freed_memory()
    for shape in options.shape:
        batch, unroll = map(int, shape.split(","))
        found = products_of(batch, unroll)
        flops = sum(product.flops for product in found)
        heading = (
            f"{batch} positions, K = {unroll}: {len(found)} products forward, "
            f"{flops / 1e9:.2f} GFLOP with their gradients"
        )
        rows = measure(batch, unroll, found, builds, options.rounds, options.steps)
        report.table(f"batch_{batch}_unroll_{unroll}", heading, rows)
    report.end()


def measure(
    batch: int,
    unroll: int,
    found: list[Product],
    builds: dict[str, Path],
    rounds: int,
    steps: int,
) -> Iterator[Timing]:
    with ExitStack() as running:
        takers: dict[str, Callable[[int], Seconds]] = {"products": products_alone(found)}
        for name, python in builds.items():
            worker = running.enter_context(working(python, [str(WORKER), str(batch), str(unroll)]))
            takers[name] = worker.ask
        turns = [{name: take(steps) for name, take in takers.items()} for _ in range(1 + rounds)]

    def of(name: str, clock: str) -> list[float]:
        return [turn[name][clock] for turn in turns[1:]]

    for name in takers:
        other = "against" in takers
        yield Timing(
            name,
            1e3 * statistics.median(of(name, "wall")),
            1e3 * statistics.median(of(name, "cpu")),
            median_ratio(of(name, "wall"), of("products", "wall")),
            median_ratio(of(name, "wall"), of("against", "wall")) if other else None,
            median_ratio(of(name, "cpu"), of("against", "cpu")) if other else None,
        )


def products_alone(found: list[Product]) -> Callable[[int], Seconds]:
    arrays = {}
    for p in set(found):
        shapes = (p.rows, p.inputs), (p.outputs, p.inputs), (p.rows, p.outputs)
        arrays[p] = x, w, g = [mx.random.normal(shape) for shape in shapes]
        mx.eval(x, w, g)

    def once() -> None:
        done = []
        for product in found:
            x, w, g = arrays[product]
            done.append(x @ w.T)
            if product.learned:
                done += [g @ w, g.T @ x]
        mx.eval(done)

    def take(steps: int) -> Seconds:
        wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        for _ in range(steps):
            once()
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return {"wall": (time.perf_counter() - wall) / steps, "cpu": cpu / steps}

    return take


def products_of(batch: int, unroll: int) -> list[Product]:
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

    # As on a GPU, where each layer is called.
    with (
        patch.object(nn.Linear, "__call__", call),
        patch.object(closed_form, "on_cpu", lambda: False),
    ):
        losses(model, DeviceBatch.of(random_batch(batch, unroll)), FX_MICRO.train)
    return found


if __name__ == "__main__":
    main()
