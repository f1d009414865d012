"""Looks at bars, recorded next to the store they come from."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.schema import Config
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import Part
from mlx_muzero.market.summary import sha256_of
from mlx_muzero.runlog.look_ledger import LookedBars, LookLedger, Looks

UNSEEN: tuple[Part, ...] = ("test", "later")
"""Parts that nothing was trained or chosen on."""


def looked_bars(dataset: MarketDataset, part: Part | None = None) -> LookedBars:
    """The bars of `part` of `dataset`, or all of them."""
    chosen = np.ones(len(dataset.close), np.bool_)
    if part is not None:
        span = dataset.ranges[part]
        chosen = (dataset.open_time_ns >= span.first_ns) & (dataset.open_time_ns < span.end_ns)
    opens = dataset.open_time_ns[chosen]
    pairs = np.unique(dataset.pair[chosen])
    return LookedBars(
        symbols=tuple(str(dataset.config.pairs[pair]) for pair in pairs),
        first_ns=int(opens.min()),
        end_ns=int(opens.max()) + 1,
        digest=sha256_of([opens, dataset.close[chosen]]),
    )


def configuration_digest(config: Config) -> str:
    """SHA-256 of `config` as it is written, whatever its period: a window is no other one."""
    whole = replace(config, market=replace(config.market, first_utc="", end_utc=""))
    return hashlib.sha256(config_toml.dumps(whole).encode()).hexdigest()


def record_evaluation(run: TrainedRun, dataset: MarketDataset, part: Part) -> Looks | None:
    """Record that `run` was judged on `part` of `dataset`; None where that chose the run."""
    if part not in UNSEEN:
        return None
    return LookLedger(run.store).add(
        "evaluated",
        looked_bars(dataset, part),
        configuration_digest(run.folder.config()),
        run.folder.path.name,
        run.checkpoint,
    )


def record_training(store: Path, dataset: MarketDataset, config: Config, run: Path) -> Looks:
    """Record that a run of `config` was begun on `dataset`."""
    bars = looked_bars(dataset)
    return LookLedger(store).add("trained", bars, configuration_digest(config), run.name)
