"""Training by PPO: the same seed is the same result, time becomes updates, the best is kept."""

import dataclasses

import mlx.core as mx
import numpy as np
import pytest

from examples import cases
from mlx_muzero.config.presets import FX_FACTORED
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.ppo.learning import Budget, Learner, left_after, train
from mlx_muzero.evaluation.ppo.networks import actor_critic
from mlx_muzero.evaluation.ppo.policy import PPOPolicy, evaluated
from mlx_muzero.evaluation.ppo.recipe import RECIPE, SPACE, Recipe, recipe_of
from mlx_muzero.evaluation.ppo.rollout import Collector, MarketReader
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.synthetic.edge_markets import planted_edge
from mlx_muzero.trading.rules import TradingRules

SMALL = Recipe(sessions=8, horizon=5, epochs=2, batch=16)


@pytest.fixture(params=cases(1, ["factored", "muzero"]))
def config(request, small_config):
    if request.param == "muzero":
        return small_config
    model = dataclasses.replace(FX_FACTORED.model, latent_width=16)
    return dataclasses.replace(FX_FACTORED, market=small_config.market, model=model)


@pytest.fixture
def market(config, small_dataset):
    return config, TradingRules.from_config(config), small_dataset


def learner_of(market, recipe=SMALL, seed=0):
    config, rules, dataset = market
    return Learner(config, rules, dataset, recipe, seed)


def validating(market):
    _, rules, dataset = market
    starts = dataset.evaluation_starts("validation", 3)
    return lambda policy: backtest(policy, dataset, rules, starts)


def weights_of(market, seed):
    learner = learner_of(market, seed=seed)
    for _ in range(3):
        learner.update(1.0)
    return learner.weights()


def test_the_same_seed_is_the_same_result(market):
    one, same, other = (weights_of(market, seed) for seed in (3, 3, 4))
    assert all(mx.array_equal(one[name], same[name]) for name in one)
    assert not all(mx.array_equal(one[name], other[name]) for name in one)


def test_what_is_collected_is_what_was_played(market):
    config, rules, dataset = market
    network = actor_critic(config, rules, dataset, 0)
    reader = MarketReader(network, dataset)
    collector = Collector(dataset, rules, 4, np.random.default_rng(0))
    for _ in range(3):  # 18 steps of sessions of 12
        rollout = collector.collect(network, reader, 6)
        for step in range(6):
            log_probs, value = evaluated(
                network, reader.at(rollout.bar[step]), rollout.held[step], rollout.account[step]
            )
            assert np.allclose(value, rollout.value[step], atol=1e-5)
            taken = log_probs[np.arange(4), rollout.action[step]]
            assert np.allclose(taken, rollout.log_prob[step], atol=1e-5)
            assert rules.states.legal[rollout.account[step], rollout.action[step]].all()
    assert rollout.ended.sum() == 0, "the 12th step was of the round before"


def test_it_plays_what_is_read_of_windows_as_what_is_read_of_bars(market):
    _config, rules, dataset = market
    learner = learner_of(market)
    learner.update(1.0)
    network, bars = learner.network, dataset.training_decisions()[:5]
    held = np.zeros((5, len(rules.position_features)), np.float32)
    account = np.zeros(5, np.int32)
    of_bars = evaluated(network, MarketReader(network, dataset).at(bars), held, account)
    of_windows = evaluated(network, dataset.windows(bars), held, account)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(of_bars, of_windows, strict=True))


def test_the_first_check_stays_flat_and_the_best_is_kept(market):
    made = train(learner_of(market), Budget(updates=6), validating(market))
    assert made is not None
    assert made.checked_net_pips[0] == 0.0
    assert max(made.checked_net_pips) == 6
    assert made.checked_net_pips[made.chosen_updates] == max(made.checked_net_pips.values())
    assert made.validation.metrics.net_pips_per_session == max(made.checked_net_pips.values())


def test_minutes_become_twice_the_updates_of_their_first_half(market):
    seconds = iter(range(1000))
    told = []
    made = train(
        learner_of(market),
        Budget(minutes=0.4),
        validating(market),
        lambda done, of: told.append((done, of)),
        clock_s=lambda: float(next(seconds)),
    )
    half = next(done for done, of in told if of is not None)
    assert told[-1] == (2 * half, 2 * half)
    assert max(made.checked_net_pips) == 2 * half
    again = train(learner_of(market), Budget(updates=2 * half), validating(market))
    assert again.checked_net_pips == made.checked_net_pips
    assert all(mx.array_equal(again.weights[name], made.weights[name]) for name in made.weights)


def test_it_stops_between_updates(market):
    asked = iter([False, False, True])
    made = train(
        learner_of(market), Budget(updates=9), validating(market), stop=lambda: next(asked)
    )
    assert made is None


@pytest.mark.parametrize("wrong", [{}, {"minutes": 1.0, "updates": 3}, {"updates": 1}])
def test_a_budget_is_one_of_minutes_and_updates(wrong):
    with pytest.raises(ValueError, match="updates"):
        Budget(**wrong)


def test_steps_become_smaller_in_the_second_half():
    left = [left_after(update, 10) for update in range(10)]
    assert left == pytest.approx([1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2])


def test_the_first_trial_is_the_usual_one_and_all_others_are_draws():
    assert recipe_of(0, 5) == RECIPE
    drawn = [recipe_of(trial, 5) for trial in range(1, 30)]
    assert drawn == [recipe_of(trial, 5) for trial in range(1, 30)]
    assert len(set(drawn)) > 25
    for name, values in SPACE.items():
        assert {getattr(recipe, name) for recipe in drawn} == set(values)
        assert getattr(RECIPE, name) in values


@pytest.mark.slow
def test_it_earns_most_of_a_planted_edge(small_config):
    bars, truth = planted_edge(1, 60, round_trip_cost_pips=4.0, session_bars=360)
    config = dataclasses.replace(
        FX_FACTORED, market=dataclasses.replace(FX_FACTORED.market, symbol=bars.symbol)
    )
    dataset = MarketDataset.from_bars(bars, config.market)
    rules = TradingRules.from_config(config)
    starts = dataset.evaluation_starts("validation")
    learner = Learner(config, rules, dataset, RECIPE, 0)
    made = train(
        learner, Budget(updates=80), lambda policy: backtest(policy, dataset, rules, starts)
    )
    learner.network.load_weights(list(made.weights.items()))
    played = backtest(PPOPolicy(learner.network), dataset, rules, dataset.evaluation_starts("test"))
    assert played.metrics.net_pips_low > 0.4 * truth["expected_pips_per_session"]
