"""A factored model by years left out: trained on the bars of some, played on another."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import mlx.core as mx
import numpy as np
from mlx.utils import tree_unflatten

from bench.years import Fold
from mlx_muzero import rng
from mlx_muzero.agent.factored_agent import FactoredAgent
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.evaluation.rivals.chosen import ValidationSessions
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


def of_factored(
    config: Config, factors: Sequence[float], fold: Fold, sessions: ValidationSessions
) -> Iterator[tuple[Policy, float]]:
    """A model trained for each of the cost `factors`, and what it earns in the fold's sessions."""
    for factor in factors:
        search = replace(config.search, cost_factor=factor)
        chosen = replace(config, search=search)
        model = trained_on(chosen, fold, sessions.rules)
        agent = FactoredAgent(model, replace(search, backend="mlx"), sessions.rules)
        policy = SearchPolicy(agent, search.num_simulations, FACTORED)
        played = backtest(policy, fold.market.dataset, sessions.rules, fold.starts)
        yield policy, played.metrics.net_pips_per_session


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
