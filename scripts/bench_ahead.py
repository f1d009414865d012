"""Measures what playing ahead gains: training with `collect.ahead` and without, by turns.

    python scripts/bench_ahead.py [--preset NAME ...] [--simulations N ...] [--rounds N]
        [--repeats N] [--json]

Both train with the same configuration on the same synthetic market, in this process. The time is
that from the end of the first round to the end of the last: as much playing as learning, and no
validation. Without `collect.ahead`, rounds and training steps take turns on one core, and what each
takes says what playing during learning gains at most by itself: the shorter of the two. That is a
matter of configuration: many training steps an episode leave little to gain, many simulations a
decision more. The rest is gained as the core that has played its round takes part in each training
step. One search thread, so that playing ahead gains nothing from threads that the other way lacks.
The machine must be quiet.
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


@dataclass(frozen=True)
class Moment:
    """The end of a round: what the clock said, and what was used up to then.

    Attributes:
        clock_s: the time.
        processor_s: processor time of all threads.
        learning_s: what training steps took.
    """

    clock_s: float
    processor_s: float
    learning_s: float

    def since(self, earlier: "Moment") -> "Moment":
        """What passed since an earlier moment."""
        return Moment(
            self.clock_s - earlier.clock_s,
            self.processor_s - earlier.processor_s,
            self.learning_s - earlier.learning_s,
        )


class Clock(Listener):
    """A listener that notes when rounds were done, and what training steps took."""

    def __init__(self) -> None:
        self.rounds: list[Moment] = []
        self._learning_s = 0.0
        self._heard_s = time.perf_counter()

    def collected(self, episodes: Episodes, counters: Counters) -> None:
        """Note the end of a round."""
        self._heard_s = time.perf_counter()
        self.rounds.append(Moment(self._heard_s, time.process_time(), self._learning_s))

    def learned(self, report: StepReport, counters: Counters) -> None:
        """Note the end of a training step."""
        now_s = time.perf_counter()
        self._learning_s += now_s - self._heard_s
        self._heard_s = now_s


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
    took = {ahead: [turn[ahead].clock_s for turn in turns] for ahead in both}
    learning = statistics.median(turn[False].learning_s / turn[False].clock_s for turn in turns)
    train = config.train
    episodes = train.episodes - config.collect.envs
    for ahead in both:
        minutes = statistics.median(took[ahead]) / 60.0
        yield Row(
            ahead,
            episodes / minutes,
            episodes * train.steps_per_episode / minutes,
            median_ratio(took[False], took[ahead]),
            1.0 / max(learning, 1.0 - learning) if ahead else 1.0,
            statistics.median(turn[ahead].processor_s / turn[ahead].clock_s for turn in turns),
        )


def trained(config: Config, dataset: MarketDataset, ahead: bool) -> Moment:
    config = replace(config, collect=replace(config.collect, ahead=ahead))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        rules = TradingRules.from_config(config)
        path = RunFolder(Path(folder) / "run")
        path.path.mkdir()
        assert Trainer(config, dataset, rules, path, clock, lambda: False).run()
    return clock.rounds[-1].since(clock.rounds[0])


if __name__ == "__main__":
    main()
