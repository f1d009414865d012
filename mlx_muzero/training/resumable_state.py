"""The complete state of a run in a checkpoint, from which it resumes as if never stopped."""

from dataclasses import asdict

import mlx.core as mx
import numpy as np

from mlx_muzero import rng
from mlx_muzero.config.schema import Config
from mlx_muzero.machine import performance_cores
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.bar_batches import BarSampler, measure_prices, measure_usual
from mlx_muzero.training.checkpoint import Checkpoint
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.models import (
    begin_from,
    build_factored,
    build_model,
    measure_observations,
)
from mlx_muzero.training.objectives import AnyBatch
from mlx_muzero.training.path_batches import PathSampler
from mlx_muzero.training.phases.schedule import loss_config
from mlx_muzero.training.progress import Counters
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.replay import ReplayBuffer
from mlx_muzero.training.run import schema
from mlx_muzero.training.targets import make_batch


class ResumableState:
    """Counters, learner and replay buffer of one phase.

    Attributes:
        counters: progress of the phase.
        learner: the model and its optimizer.
        replay: the episodes to learn from.
    """

    def __init__(
        self,
        config: Config,
        dataset: MarketDataset,
        rules: TradingRules,
        ranks: Ranks,
        counters: Counters,
        weights: dict[str, mx.array] | None = None,
    ) -> None:
        """Start at `counters` with `weights`, or with the seed's weights if None.

        Raises:
            ValueError: the weights belong to other networks.
            ConfigError: the ranks cannot share a batch, or every loss has weight 0.
        """
        self._config = config
        self._dataset = dataset
        self._rules = rules
        self._ranks = ranks
        self._batch_share = ranks.share(config.train.batch_size, "train.batch_size")
        model = build_model(config, rules.table)
        if weights is None:
            measure_observations(model, dataset)
        else:
            begin_from(model, weights)
        self._bars: BarSampler | None = None
        self._measured_at: int | None = None
        if isinstance(model, FactoredModel):
            measure = measure_usual if weights is None else measure_prices
            measure(model, dataset, rules.learnable)
            copy = build_factored(config, rules.table)
            sampler = PathSampler if copy.known.session_bars else BarSampler
            self._bars = sampler(
                dataset,
                rules.learnable,
                copy,
                config.train.num_unroll_steps,
                copy.known.discount(config.search.discount),
                hold_bars=config.train.hold_bars,
                cost_factor=config.search.cost_factor,
                mirrored=config.train.mirrored,
                volatility_bars=config.train.volatility_bars,
            )
        self.counters = counters
        self._gathered: tuple[int, AnyBatch] | None = None
        # Who plays ahead has a core to spare, which waits once a round is played.
        spare = config.collect.ahead and performance_cores() > 1
        losses = loss_config(config.train, counters.phase)
        self.learner = Learner(model, losses, ranks, two_cores=spare)
        self.replay = ReplayBuffer(
            config.replay,
            config.train.seed,
            steps=config.market.session_bars,
            actions=len(rules.table.action_names),
            position_features=len(rules.position_features),
        )

    def has(self, episodes: int) -> bool:
        """Whether there are so many episodes to learn from, or bars, which are always there."""
        return self._bars is not None or len(self.replay) * self._ranks.size >= episodes

    def next_batch(self) -> AnyBatch:
        """This rank's share of the batch for the next training step."""
        gathered, self._gathered = self._gathered, None
        if gathered is not None and gathered[0] == self.counters.steps:
            return gathered[1]
        return self._batch(self.counters.steps)

    def gather_ahead(self) -> None:
        """Gather what `next_batch` will give after the present step, of the present episodes."""
        steps = self.counters.steps + 1
        self._gathered = steps, self._batch(steps)

    def _batch(self, steps: int) -> AnyBatch:
        """The batch for the training step after so many."""
        train = self._config.train
        row = self._ranks.rank * self._batch_share + np.arange(self._batch_share)
        keys = rng.key(train.seed, rng.Stream.BATCH, steps, row)
        if self._bars is not None:
            return self._bars.batch(keys, self.learner.playing_weights())
        slot, step = self.replay.sample(keys)
        return make_batch(
            self.replay.episodes,
            slot,
            step,
            self._dataset,
            unroll_steps=train.num_unroll_steps,
            td_steps=train.td_steps,
            discount=self._config.search.discount,
        )

    def playing_weights(self) -> dict[str, mx.array]:
        """The weights that agents play with, and what is measured with them."""
        return self._with_measured(self.learner.playing_weights())

    def checkpoint(self) -> Checkpoint:
        """The state as a checkpoint."""
        weights, optimizer = self.learner.arrays()
        weights = self._with_measured(weights)
        state = {"counters": asdict(self.counters), **schema(self._config, self._rules.table)}
        return Checkpoint(weights, optimizer, self.replay.state(), state)

    def _with_measured(self, weights: dict[str, mx.array]) -> dict[str, mx.array]:
        """The learner's present `weights` with what is measured with them, once a step."""
        if self._bars is None:
            return weights
        if self._measured_at != self.learner.steps:
            self._measured = self._bars.measured(weights)
            self._measured_at = self.learner.steps
        return weights | self._measured

    def restore(self, saved: Checkpoint) -> None:
        """Inverse of `checkpoint` in the same phase.

        Raises:
            ValueError, KeyError, TypeError: `saved` has another configuration or is damaged.
        """
        counters = Counters.parsed(saved.state["counters"])
        self.learner.restore(saved.weights, saved.optimizer)
        self.replay.restore(saved.replay, self._dataset.training_starts())
        self.counters = counters
        self.learner.steps = counters.steps
        self._gathered = None
        self._measured_at = None
