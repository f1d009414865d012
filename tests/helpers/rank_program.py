"""One rank of a distributed learner: takes its rows of a batch and writes what it learned.

Run as ``python rank_program.py CONFIG BATCH OUT``; the rank is in the environment.
"""

import sys
from pathlib import Path

import numpy as np

from mlx_muzero.config import toml as config_toml
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.models import build_model
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.targets import Batch

STEPS = 3


def learned(config, arrays, ranks):
    """Weights after `STEPS` steps on this rank's rows of the batch in `arrays`."""
    learner = Learner(
        build_model(config, TradingRules.from_config(config).table), config.train, ranks
    )
    rows = len(arrays["valid"]) // ranks.size
    mine = slice(ranks.rank * rows, (ranks.rank + 1) * rows)
    for _ in range(STEPS):
        learner.step(Batch(**{name: array[mine] for name, array in arrays.items()}))
    return {name: np.array(array) for name, array in learner.playing_weights().items()}


if __name__ == "__main__":
    config_path, batch_path, out_path = map(Path, sys.argv[1:])
    with np.load(batch_path) as loaded:
        batch = dict(loaded)
    group = Ranks.join()
    weights = learned(config_toml.load(config_path), batch, group)
    np.savez(out_path / f"rank{group.rank}.npz", **weights)
