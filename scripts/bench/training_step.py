"""Takes training steps of fx_micro's networks on random numbers when told to, in its own process.

    PYTHON scripts/bench/training_step.py BATCH UNROLL

PYTHON may be another checkout's: what is imported here has been there since 0.1.0. A line on
standard input is how many steps to take; the answer is a line of JSON with their mean seconds.
"""

import json
import resource
import sys
import time

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces

# isort: split
import numpy as np

from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.training import models
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.targets import Batch

ACTIONS = len(FX_ACTIONS.action_names)
OUTCOMES = 3
# Called build_model in 0.1.0, where there was one kind of model.
MODEL = getattr(models, "build_muzero", models.build_model)(FX_MICRO, FX_ACTIONS)


def random_batch(n: int, k: int) -> Batch:
    """`n` positions unrolled `k` steps, all of them valid."""
    random, market = np.random.default_rng(0), FX_MICRO.market

    def normal(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    visits = np.abs(normal(n, k + 1, ACTIONS))
    return Batch(
        observation=normal(n, k + 1, market.window_bars, MODEL.features),
        action=random.integers(0, ACTIONS, (n, k)).astype(np.int32),
        outcome=random.integers(0, OUTCOMES, (n, k)).astype(np.int32),
        reward=normal(n, k),
        policy=visits / visits.sum(axis=-1, keepdims=True),
        value=normal(n, k + 1),
        afterstate_value=normal(n, k),
        valid=np.ones((n, k + 1), np.float32),
    )


def main() -> None:
    n, k = map(int, sys.argv[1:])
    learner, batch = Learner(MODEL, FX_MICRO.train), random_batch(n, k)
    for line in sys.stdin:
        steps = int(line)
        wall, cpu = time.perf_counter(), _cpu_seconds()
        for _ in range(steps):
            learner.step(batch)
        took = {"wall": time.perf_counter() - wall, "cpu": _cpu_seconds() - cpu}
        print(json.dumps({what: seconds / steps for what, seconds in took.items()}), flush=True)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
