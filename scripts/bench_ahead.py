"""Measures what playing ahead gains: training with `collect.ahead` and without, by turns.

    python scripts/bench_ahead.py [--preset NAME ...] [--simulations N ...] [--rounds N]
        [--repeats N] [--json]

Both train with the same configuration on the same synthetic market, in this process, from the first
round's end to the last training step; no validation falls into that time. Without `collect.ahead`,
rounds and training steps take turns on one core, and what each takes says what playing during
learning gains at most by itself: the shorter of the two. That is a matter of configuration: many
training steps an episode leave little to gain, many simulations a decision more. The rest is gained
as the core that has played its round takes a part of each training step. One search thread, so that
playing ahead gains nothing from threads that the other way lacks. The machine must be quiet.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces

# isort: split
from bench.report import Report
from bench.timing import median_ratio
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.schema import Config
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.synthetic.markets import random_walk
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.learner import StepReport
from mlx_muzero.training.progress import Counters, Listener
from mlx_muzero.training.replay import Episodes
from mlx_muzero.training.run import RunFolder
from mlx_muzero.training.trainer import Trainer

MARKET_DAYS = 30


@dataclass(frozen=True)
class Row:
    """One way to train, medians over the repeats.

    Attributes:
        ahead: whether rounds are played during learning.
        episodes_per_min: collected in a minute.
        steps_per_min: training steps in a minute.
        gained: work in the same time over that of taking turns.
        by_playing: what the shares of playing and learning allow to gain by doing both at once.
        cores: processor time over time: how many cores were busy.
    """

    ahead: bool
    episodes_per_min: float
    steps_per_min: float
    gained: float
    by_playing: float
    cores: float


class Clock(Listener):
    """A listener that notes when rounds and training steps were done, and what they took."""

    def __init__(self) -> None:
        self.rounds: list[float] = []
        self.last = 0.0
        self.learning = 0.0
        self.processor_s = 0.0
        self._heard = time.perf_counter()
        self._began_s = 0.0

    def collected(self, episodes: Episodes, counters: Counters) -> None:
        """Note the end of a round."""
        if not self.rounds:
            self._began_s = time.process_time()
        self.rounds.append(time.perf_counter())
        self._heard = self.rounds[-1]

    def learned(self, report: StepReport, counters: Counters) -> None:
        """Note the end of a training step."""
        self.last = time.perf_counter()
        self.processor_s = time.process_time() - self._began_s
        self.learning += self.last - self._heard
        self._heard = self.last


def main() -> None:
    parser = argparse.ArgumentParser(description="What playing ahead gains.")
    parser.add_argument("--preset", nargs="+", default=["fx_small", "fx_micro"])
    parser.add_argument("--simulations", type=int, nargs="+", help="a decision; preset's, and 50")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report(options.json, rounds=options.rounds)
    for preset in options.preset:
        usual = PRESETS[preset].search.num_simulations_collect
        for simulations in options.simulations or (usual, 50):
            config = configured(PRESETS[preset], simulations, options.rounds)
            bars, _ = random_walk(0, MARKET_DAYS)
            dataset = MarketDataset.from_bars(bars, config.market)
            report.table(
                f"{preset}_{simulations}",
                f"{preset}, {simulations} simulations a decision:",
                measure(config, dataset, options.repeats),
            )
    report.end()


def configured(preset: Config, simulations: int, rounds: int) -> Config:
    """`preset` for so many rounds, with a validation of one session after the last."""
    episodes = rounds * preset.collect.envs
    return replace(
        preset,
        market=replace(preset.market, symbol=Symbol("RANDOM_WALK")),
        search=replace(
            preset.search, backend="native", threads=1, num_simulations_collect=simulations
        ),
        replay=replace(preset.replay, min_episodes=1),
        train=replace(
            preset.train,
            device="cpu",
            episodes=episodes,
            validate_interval=episodes,
            checkpoint_interval=episodes,
            validate_sessions=1,
        ),
    )


def measure(config: Config, dataset: MarketDataset, repeats: int) -> Iterator[Row]:
    both = (False, True)
    turns = [{ahead: trained(config, dataset, ahead) for ahead in both} for _ in range(repeats)]
    took = {ahead: [_seconds(turn[ahead]) for turn in turns] for ahead in both}
    learning = statistics.median(turn[False].learning / _seconds(turn[False]) for turn in turns)
    train = config.train
    for ahead in both:
        minutes = statistics.median(took[ahead]) / 60.0
        yield Row(
            ahead,
            (train.episodes - config.collect.envs) / minutes,
            train.episodes * train.steps_per_episode / minutes,
            median_ratio(took[False], took[ahead]),
            1.0 / max(learning, 1.0 - learning) if ahead else 1.0,
            statistics.median(turn[ahead].processor_s / _seconds(turn[ahead]) for turn in turns),
        )


def trained(config: Config, dataset: MarketDataset, ahead: bool) -> Clock:
    config = replace(config, collect=replace(config.collect, ahead=ahead))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        rules = TradingRules.from_config(config)
        path = RunFolder(Path(folder) / "run")
        path.path.mkdir()
        assert Trainer(config, dataset, rules, path, clock, lambda: False).run()
    return clock


def _seconds(clock: Clock) -> float:
    return clock.last - clock.rounds[0]


if __name__ == "__main__":
    main()
