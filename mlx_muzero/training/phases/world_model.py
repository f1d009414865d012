"""The world-model phase: outcomes, rewards and next bars are learned from scripted episodes."""

import mlx.core as mx
import numpy as np

from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.forecasts import base_rates
from mlx_muzero.evaluation.world_model import Unrolling, WorldModelReport
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.frames import market_feature_names
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES, UNKNOWN
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.training.losses import DeviceBatch, latent_distance, next_bars, unroll
from mlx_muzero.training.phases.behaviors import BEHAVIORS
from mlx_muzero.training.phases.phase import PhaseContext
from mlx_muzero.training.phases.supervised import SupervisedPhase, chunks
from mlx_muzero.training.replay import Episodes
from mlx_muzero.training.targets import make_batch
from mlx_muzero.types import F32, F64, Advance


class WorldModelPhase(SupervisedPhase):
    """Plays with every scripted policy; validated by the predictions of the unrolled model."""

    def __init__(self, context: PhaseContext) -> None:
        super().__init__(context, BEHAVIORS)

    def judge(self, episodes: Episodes, tick: Advance) -> WorldModelReport:
        """Compare predictions of the unrolled model with what happened."""
        config, dataset = self.context.config, self.context.dataset
        unrolled = _unrolling(self.context.muzero, episodes, dataset, config, tick)
        columns = market_feature_names(config.market)
        return WorldModelReport.of(unrolled, len(episodes), _training_rates(dataset), columns)


def _training_rates(dataset: MarketDataset) -> F64:
    """Shares of the outcomes that follow the decisions of training sessions."""
    outcomes = dataset.outcomes[dataset.training_decisions() + 1].astype(np.int64)
    return base_rates(outcomes[outcomes != UNKNOWN], len(OUTCOME_NAMES))


def _unrolling(
    model: StochasticMuZero,
    episodes: Episodes,
    dataset: MarketDataset,
    config: Config,
    tick: Advance,
) -> Unrolling:
    """Unroll the model from every K-th step of `episodes`."""
    unroll_steps = config.train.num_unroll_steps
    count, steps = episodes.action.shape
    firsts = np.arange(0, steps, unroll_steps)
    slot, step = np.repeat(np.arange(count), len(firsts)), np.tile(firsts, count)
    parts: list[tuple[np.ndarray, ...]] = []
    for rows in chunks(len(slot)):
        batch = make_batch(
            episodes,
            slot[rows],
            step[rows],
            dataset,
            unroll_steps=unroll_steps,
            td_steps=0,
            discount=config.search.discount,
        )
        bars = batch.observation[:, :, -1, : model.decoded]
        probabilities, reward, distance, next_bar = _predictions(model, DeviceBatch.of(batch))
        parts.append(
            (
                probabilities,
                batch.outcome,
                np.stack([reward, batch.reward], axis=-1),
                distance,
                bars[:, :-1],
                next_bar,
                bars[:, 1:],
                batch.valid[:, 1:] > 0,
            )
        )
        tick(0)
    return Unrolling(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _predictions(model: StochasticMuZero, batch: DeviceBatch) -> tuple[F32, F32, F32, F32]:
    """Outcome probabilities, rewards, latent distances and next bars, ``f32[n, K, ...]``."""
    shape = batch.action.shape
    unrolled = unroll(model, batch)
    logits = model.outcome_logits(unrolled.before, batch.action.reshape(-1))
    real = model.representation(mx.flatten(batch.observation[1:], 0, 1))
    distance = latent_distance(unrolled.after, real)
    next_bar, _ = next_bars(model, unrolled, batch)

    def rows_first(found: mx.array) -> F32:
        return np.array(found.reshape(*shape, *found.shape[1:]).swapaxes(0, 1))

    return (
        rows_first(mx.softmax(logits, axis=-1)),
        rows_first(unrolled.reward.reshape(-1)),
        rows_first(distance),
        rows_first(next_bar),
    )
