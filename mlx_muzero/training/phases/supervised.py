"""What the supervised phases do instead of searching: scripted episodes, judged predictions."""

from collections.abc import Iterator

import mlx.core as mx
import numpy as np

from mlx_muzero.config.choices import PhaseName
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.forecasts import base_rates
from mlx_muzero.evaluation.session_groups import SessionGroups
from mlx_muzero.evaluation.value_ranking import ValueReport
from mlx_muzero.evaluation.world_model import Unrolling, WorldModelReport
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.frames import market_feature_names
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES, UNKNOWN
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import observations
from mlx_muzero.training.collector import Round
from mlx_muzero.training.losses import DeviceBatch, latent_distance, next_bars, unroll
from mlx_muzero.training.phases.behaviors import behavior
from mlx_muzero.training.phases.schedule import players
from mlx_muzero.training.phases.scripted_collector import ScriptedCollector
from mlx_muzero.training.replay import Episodes
from mlx_muzero.training.targets import make_batch
from mlx_muzero.types import F32, F64, I64, Advance

ROWS_AT_ONCE = 256
"""Positions judged together: enough for a GPU, few enough for any memory."""

Assessment = WorldModelReport | ValueReport


class SupervisedPhase:
    """Plays and judges one phase before the search; `validation_starts` ``i64[E]`` are judged on.

    The same policies play there as in training.
    """

    def __init__(
        self,
        config: Config,
        phase: PhaseName,
        dataset: MarketDataset,
        rules: TradingRules,
        validation_starts: I64,
    ) -> None:
        self._config = config
        self._phase = phase
        self._dataset = dataset
        self._rules = rules
        self._starts = validation_starts
        self._collector = ScriptedCollector(config, dataset, rules, players(config, phase))

    def play_round(self, first_episode: int, count: int, tick: Advance) -> Round:
        """`count` episodes of the phase, from `first_episode` on."""
        return self._collector.play_round(first_episode, count, tick)

    def assess(self, model: StochasticMuZero, tick: Advance) -> Assessment:
        """Judge what `model`, in evaluation mode, predicts on the validation sessions."""
        number = np.arange(len(self._starts), dtype=np.int64)
        episodes = self._collector.play(self._starts, number, tick)
        if self._phase == "value":
            predicted = _values(model, episodes, self._dataset, tick)
            realized = episodes.value.astype(np.float64)
            return ValueReport.of(
                self._config.train.value_policy,
                predicted,
                realized,
                self._net_pips_to_come(tick),
                SessionGroups.of_sessions(self._dataset, self._starts),
            )
        unrolled = _unrolling(model, episodes, self._dataset, self._config, tick)
        rates = _training_rates(self._dataset)
        columns = market_feature_names(self._config.market)
        return WorldModelReport.of(unrolled, len(episodes), rates, columns)

    def _net_pips_to_come(self, tick: Advance) -> F64:
        """Net pips ``f64[E, T]`` of the value policy from each state to its session's end."""
        train = self._config.train
        policy = behavior(train.value_policy, train.seed)
        equity = backtest(policy, self._dataset, self._rules, self._starts, tick).equity_pips
        before = np.pad(equity[:, :-1], ((0, 0), (1, 0)))
        return np.asarray(equity[:, -1:] - before)


def _training_rates(dataset: MarketDataset) -> F64:
    """Shares of the outcomes that follow the starts of training sessions."""
    outcomes = dataset.outcomes[dataset.training_starts() + 1].astype(np.int64)
    return base_rates(outcomes[outcomes != UNKNOWN], len(OUTCOME_NAMES))


def _values(
    model: StochasticMuZero, episodes: Episodes, dataset: MarketDataset, tick: Advance
) -> F64:
    """Value ``f64[E, T]`` predicted for every state of `episodes`."""
    count, steps = episodes.action.shape
    predicted = np.empty(count * steps)
    for rows in _chunks(count * steps):
        slot, step = rows // steps, rows % steps
        window = observations(
            dataset, episodes.start[slot] + step, episodes.position_features[slot, step]
        )
        predicted[rows] = np.array(model.value(model.representation(mx.array(window))))
        tick(0)
    return predicted.reshape(count, steps)


def _unrolling(
    model: StochasticMuZero,
    episodes: Episodes,
    dataset: MarketDataset,
    config: Config,
    tick: Advance,
) -> Unrolling:
    """The model unrolled from every K-th step of `episodes`."""
    unroll_steps = config.train.num_unroll_steps
    count, steps = episodes.action.shape
    firsts = np.arange(0, steps, unroll_steps)
    slot, step = np.repeat(np.arange(count), len(firsts)), np.tile(firsts, count)
    parts: list[tuple[np.ndarray, ...]] = []
    for rows in _chunks(len(slot)):
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
    before = mx.flatten(unrolled.latent[:, :-1], 0, 1)
    logits = model.outcome_logits(before, batch.action.reshape(-1))
    real = model.representation(mx.flatten(batch.observation[:, 1:], 0, 1))
    distance = latent_distance(mx.flatten(unrolled.latent[:, 1:], 0, 1), real)
    next_bar, _ = next_bars(model, unrolled, batch)
    return (
        np.array(mx.softmax(logits, axis=-1).reshape(*shape, -1)),
        np.array(unrolled.reward),
        np.array(distance.reshape(shape)),
        np.array(next_bar.reshape(*shape, -1)),
    )


def _chunks(rows: int) -> Iterator[I64]:
    for first in range(0, rows, ROWS_AT_ONCE):
        yield np.arange(first, min(first + ROWS_AT_ONCE, rows))
