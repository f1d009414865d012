"""Trains by proximal policy optimization, and keeps what earned most on the validation split."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers
import numpy as np
from mlx.utils import tree_flatten

from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.ppo.networks import actor_critic
from mlx_muzero.evaluation.ppo.objective import generalized_advantages, losses, total
from mlx_muzero.evaluation.ppo.policy import PPOPolicy
from mlx_muzero.evaluation.ppo.recipe import Recipe
from mlx_muzero.evaluation.ppo.rollout import Collector, MarketReader, Rollout
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.rules import TradingRules

CHECKS = 20
"""Validations of a training, spread over its second half; its best weights are kept."""

ADAM_EPSILON = 1e-5
"""Huang et al. 2022, detail 3."""

Weights = dict[str, mx.array]


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training left.

    Attributes:
        weights: of the best check.
        checked_net_pips: net pips a session on the validation split, by updates.
        chosen_updates: updates of the weights that were kept.
        validation: what they earned there, session by session.
    """

    weights: Weights
    checked_net_pips: dict[int, float]
    chosen_updates: int
    validation: Backtest


class Learner:
    """One training, update by update; the same arguments give the same networks.

    Args:
        config: the run's.
        rules: actions and costs.
        dataset: the market.
        recipe: the settings.
        seed: of the first weights, sessions, actions and minibatches.
    """

    def __init__(
        self,
        config: Config,
        rules: TradingRules,
        dataset: MarketDataset,
        recipe: Recipe,
        seed: int,
    ) -> None:
        self.recipe = recipe
        self.network = actor_critic(config, rules, dataset, seed)
        self._generator = np.random.default_rng(seed)
        self._collector = Collector(dataset, rules, recipe.sessions, self._generator)
        self._reader = MarketReader(self.network, dataset)
        self._optimizer = optimizers.Adam(
            recipe.learning_rate, eps=ADAM_EPSILON, bias_correction=True
        )
        self._gradients = nn.value_and_grad(self.network, self._loss)
        self._reward_unit = 0.0

    def update(self, left: float) -> None:
        """Collect once and learn from it.

        Args:
            left: share of the training's first step size and entropy weight that is left, 1 to 0.
        """
        recipe = self.recipe
        self.network.eval()
        rollout = self._collector.collect(self.network, self._reader, recipe.horizon)
        # Rewards keep the unit of the first: networks learn best from numbers of about 1.
        self._reward_unit = self._reward_unit or max(float(rollout.reward.std()), 1e-6)
        columns = self._columns(rollout)
        self._optimizer.learning_rate = recipe.learning_rate * left
        entropy_weight = mx.array(recipe.entropy_weight * left)
        self.network.train()
        count = len(columns["action"])
        for _ in range(recipe.epochs):
            order = self._generator.permutation(count)
            for first in range(0, count, recipe.batch):
                rows = order[first : first + recipe.batch]
                drawn = {name: mx.array(column[rows]) for name, column in columns.items()}
                _, gradients = self._gradients(drawn, entropy_weight)
                gradients, _ = optimizers.clip_grad_norm(gradients, recipe.max_gradient)
                self._optimizer.update(self.network, gradients)
                mx.eval(self.network.parameters(), self._optimizer.state)
        self.network.eval()

    def weights(self) -> Weights:
        """The networks' weights by name, as they are now."""
        return dict(tree_flatten(self.network.parameters()))

    def _columns(self, rollout: Rollout) -> dict[str, np.ndarray]:
        """What was collected by name, one row of each step of each session."""
        recipe = self.recipe
        reward = rollout.reward / np.float32(self._reward_unit)
        advantage = generalized_advantages(
            reward, rollout.value, rollout.ended, recipe.discount, recipe.trace
        )
        by_step = {
            "held": rollout.held,
            "account": rollout.account,
            "action": rollout.action,
            "log_prob": rollout.log_prob,
            "advantage": advantage,
            "reached": advantage + rollout.value[:-1],
        }
        flat = {name: column.reshape(-1, *column.shape[2:]) for name, column in by_step.items()}
        return flat | {"market": self._reader.at(rollout.bar.ravel())}

    def _loss(self, drawn: dict[str, mx.array], entropy_weight: mx.array) -> mx.array:
        log_probs, value = self.network(drawn["market"], drawn["held"], drawn["account"])
        parts = losses(
            log_probs,
            value,
            drawn["action"],
            drawn["log_prob"],
            drawn["advantage"],
            drawn["reached"],
            self.recipe.clip,
        )
        return total(parts, self.recipe, entropy_weight)


def left_after(update: int, updates: int) -> float:
    """Share of the step size that is left: all of it for half of the updates, then down to 0."""
    return min(1.0, 2.0 * (1.0 - update / updates))


@dataclass(frozen=True)
class Budget:
    """How long a training may take.

    Attributes:
        minutes: of wall time, validations included; None if `updates` says it.
        updates: number of updates; None if `minutes` says it.
    """

    minutes: float | None = None
    updates: int | None = None

    def __post_init__(self) -> None:
        """Check that exactly one of them says it.

        Raises:
            ValueError: both or none do, or there are fewer than two updates.
        """
        if (self.minutes is None) == (self.updates is None):
            raise ValueError("give either minutes or updates")
        if self.updates is not None and self.updates < 2:
            raise ValueError(f"{self.updates} updates; a training takes two or more")


def train(
    learner: Learner,
    budget: Budget,
    validate: Callable[[PPOPolicy], Backtest],
    progress: Callable[[int, int | None], None] = lambda _done, _of: None,
    stop: Callable[[], bool] = lambda: False,
    clock_s: Callable[[], float] = time.monotonic,
) -> Trained | None:
    """Train within `budget`, and keep the weights with the most net pips on validation sessions.

    Checked are the new network, which stays flat, so that what learns nothing that pays does not
    trade, and then those of the second half, in which steps become smaller. A time limit becomes a
    number of updates once half of it is over, when they have all been alike: how many fit into
    minutes depends on the machine and its load, and what so many updates lead to does not.

    Args:
        learner: new.
        budget: how long.
        validate: plays sessions that may choose.
        progress: told the updates done, and of how many once that is known.
        stop: polled between updates.
        clock_s: tells seconds.

    Returns:
        What it left; None if it was stopped.
    """
    began = clock_s()
    policy = PPOPolicy(learner.network)
    updates, checked = budget.updates, dict[int, float]()
    best, chosen, kept = validate(policy), 0, learner.weights()
    checked[0] = best.metrics.net_pips_per_session
    a_check_s, done = clock_s() - began, 0
    while updates is None or done < updates:
        if stop():
            return None
        learner.update(1.0 if updates is None else left_after(done, updates))
        done += 1
        if budget.minutes is not None and updates is None:
            half_s = (budget.minutes * 60.0 - CHECKS * a_check_s) / 2.0
            if clock_s() - began >= half_s:
                updates = 2 * done
        progress(done, updates)
        if updates is not None and _is_checked(done, updates):
            played = validate(policy)
            checked[done] = played.metrics.net_pips_per_session
            if checked[done] > checked[chosen]:
                best, chosen, kept = played, done, learner.weights()
    return Trained(kept, checked, chosen, best)


def _is_checked(done: int, updates: int) -> bool:
    """Whether a validation follows update `done`: of the second half, after `CHECKS`, or all."""
    of = updates // 2
    past = done - (updates - of)
    return past >= 0 and past * (CHECKS - 1) // of > (past - 1) * (CHECKS - 1) // of
