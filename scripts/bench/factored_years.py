"""A factored model by years left out: trained on the bars of some, played on another."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import mlx.core as mx
import numpy as np
from mlx.utils import tree_unflatten

from bench.years import Fold
from mlx_muzero import rng
from mlx_muzero.agent.make import make_agent, to_the_end
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import Backtest, backtest
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.training.bar_batches import (
    BarSampler,
    bars_ahead,
    learnable_bars,
    measure_usual,
)
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.models import build_factored, measure_observations

FACTORED = "factored"


class LeftOut:
    """One recipe, trained once for each fold: what it earns there under any rules.

    Args:
        config: the recipe, its seed included; trained at its own costs.
        folds: the years that are left out, and those learned from.
    """

    def __init__(self, config: Config, folds: Sequence[Fold]) -> None:
        # Exports are of other weights.
        self._config = replace(config, search=replace(config.search, backend="native"))
        self._folds = folds
        self._trained_rules = TradingRules.from_config(config)
        self.seed = config.train.seed

    @cached_property
    def _models(self) -> list[FactoredModel]:
        return [trained_on(self._config, fold, self._trained_rules) for fold in self._folds]

    def played(self, rules: TradingRules) -> list[Backtest]:
        """The years left out, each played under `rules` by the model that does not know it."""
        return [self._played(*each, rules) for each in zip(self._models, self._folds, strict=True)]

    def _played(self, model: FactoredModel, fold: Fold, rules: TradingRules) -> Backtest:
        search = self._config.search
        planned = to_the_end(rules, self._config)
        agent = make_agent(model, search, planned, trained_rules=self._trained_rules)
        policy = SearchPolicy(agent, search.num_simulations, FACTORED)
        return backtest(policy, fold.market.dataset, rules, fold.starts)


def trained_on(config: Config, fold: Fold, rules: TradingRules) -> FactoredModel:
    """A model trained on the sessions of the fold's years, as `train` does on a training split."""
    train, dataset = config.train, fold.market.dataset
    ahead = bars_ahead(config.market, train.num_unroll_steps, train.hold_bars)
    bars = np.concatenate([learnable_bars(fold.market.of(year), ahead) for year in fold.fitted])
    model, copy = (build_factored(config, rules.table) for _ in range(2))
    measure_observations(model, dataset, bars)
    measure_usual(model, dataset, rules, bars)
    sampler = BarSampler(
        dataset,
        rules,
        copy,
        train.num_unroll_steps,
        config.search.discount,
        hold_bars=train.hold_bars,
        cost_factor=config.search.cost_factor,
        mirrored=train.mirrored,
        volatility_bars=train.volatility_bars,
        bars=bars,
    )
    learner, row = Learner(model, train), np.arange(train.batch_size)
    for step in range(round(train.episodes * train.steps_per_episode)):
        keys = rng.key(train.seed, rng.Stream.BATCH, step, row)
        learner.step(sampler.batch(keys, learner.playing_weights()))
    weights = learner.playing_weights()
    model.update(tree_unflatten(list((weights | sampler.measured(weights)).items())))
    mx.eval(model.parameters())
    model.eval()
    return model
