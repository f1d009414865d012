"""Training runs small enough for tests, and what two of them are compared by."""

import functools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from markets import walk_bars
from mlx_muzero.config.schema import Config
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.progress import Listener
from mlx_muzero.training.run import MarketRecord, RunFolder
from mlx_muzero.training.trainer import Trainer


class Heard(Listener):
    """A listener that notes what it heard, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.phases: list[str] = []

    def phase_begun(self, counters, episodes: int) -> None:
        self.phases.append(counters.phase)

    def assessed(self, assessment, counters, is_best: bool) -> None:
        self.events.append("assessed")

    def decided(self, count: int) -> None:
        self.events.append("decided")

    def collected(self, episodes, counters) -> None:
        self.events.append("collected")

    def learned(self, report, counters) -> None:
        self.events.append("learned")

    def validated(self, metrics, counters, is_best, dropped_of) -> None:
        self.events.append("validated")

    def abandoned(self, error) -> None:
        self.events.append("abandoned")

    def engine_changed(self, event) -> None:
        self.events.append(event.event)


def never() -> bool:
    return False


def at_poll(number: int) -> Callable[[], bool]:
    """A `stop` that says yes at its `number`-th call."""
    polls = iter(range(1, number + 1))
    return lambda: next(polls) == number


def make_trainer(
    path: Path,
    config: Config,
    dataset: MarketDataset,
    stop: Callable[[], bool] = never,
    listener: Heard | None = None,
) -> Trainer:
    """A trainer in the run folder `path`, begun if it is new and resumed if it is not."""
    folder, rules = RunFolder(path), TradingRules.from_config(config)
    trainer = Trainer(config, dataset, rules, folder, listener or Heard(), stop)
    if folder.exists:
        trainer.resume()
    else:
        folder.begin(config, MarketRecord.of(path / "none.duckdb", dataset))
    return trainer


@functools.cache
def ran_through(config: Config, path: Path) -> Trainer:
    """A run of `config` on `walk_bars` that nothing stopped, made once for each folder."""
    dataset = MarketDataset.from_bars(walk_bars(1500), config.market)
    trainer = make_trainer(path, config, dataset)
    assert trainer.run()
    return trainer


def everything(trainer: Trainer) -> dict[str, np.ndarray]:
    """All that a finished run is, by name; how often it was saved apart."""
    weights, optimizer = trainer.state.learner.arrays()
    replay = trainer.state.replay.state()
    found = {f"weights.{name}": np.array(array) for name, array in weights.items()}
    found |= {f"optimizer.{name}": np.array(array) for name, array in optimizer.items()}
    found |= {f"replay.{name}": array.copy() for name, array in replay.items()}
    for name, value in asdict(trainer.counters).items():
        if name not in ("saves", "saved_at"):
            found[f"counters.{name}"] = np.array(value)
    return found


def assert_same_run(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    """Bit for bit."""
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name, strict=True)
