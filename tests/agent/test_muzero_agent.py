"""The agent: decisions that depend on nothing but their own root, and are always legal."""

import dataclasses

import numpy as np
import pytest

from mlx_muzero import rng
from mlx_muzero.agent.backend_choice import BACKENDS
from mlx_muzero.agent.moment import Moment
from mlx_muzero.agent.muzero_agent import MuZeroAgent
from mlx_muzero.evaluation.agent_policies import NetworkPolicy
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv, observation_features
from mlx_muzero.trading.limits import MUST_BE_FLAT, NO_LIMITS, Limits
from mlx_muzero.training.models import build_model

ROOTS = 12


def make_agent(config, limits=NO_LIMITS):
    table = TradingRules.from_config(config).table
    states = AccountStates(table)
    model = build_model(config, table)
    return MuZeroAgent(model, config.search, states, len(OUTCOME_NAMES), limits=limits)


def with_search(config, **changes):
    return dataclasses.replace(config, search=dataclasses.replace(config.search, **changes))


@pytest.fixture
def roots(small_config):
    draw = np.random.default_rng(0)
    shape = (ROOTS, small_config.market.window_bars, len(observation_features(small_config)))
    observation = draw.normal(size=shape).astype(np.float32)
    position = (np.arange(ROOTS) % 3).astype(np.int32)
    return observation, position, rng.key(3, rng.Stream.SEARCH, np.arange(ROOTS))


def plan(agent, roots, rows, **options):
    return agent.plan(*(array[rows] for array in roots), simulations=16, **options)


@pytest.mark.parametrize("noise", [False, True])
def test_a_plan_does_not_depend_on_the_roots_beside_it(small_config, roots, noise):
    """But for float32 rounding in the networks."""
    agent = make_agent(small_config)
    together = plan(agent, roots, np.arange(ROOTS), noise=noise)
    for rows in ([0], [5, 4], [11, 3, 7, 8, 2]):
        alone = plan(agent, roots, rows, noise=noise)
        np.testing.assert_allclose(alone.prior, together.prior[rows], atol=1e-5)
        np.testing.assert_allclose(alone.raw_value, together.raw_value[rows], atol=1e-4)
        assert np.abs(alone.visits - together.visits[rows]).max() <= 1


def test_the_same_plan_twice_is_the_same(small_config, roots):
    agent = make_agent(small_config)
    one, two = (plan(agent, roots, np.arange(ROOTS), noise=True) for _ in range(2))
    np.testing.assert_array_equal(one.visits, two.visits)
    np.testing.assert_array_equal(one.value, two.value)


def test_the_number_of_simulations_is_that_of_the_call(small_config, roots):
    agent = make_agent(small_config)
    for simulations in (3, 8, 3):
        result = agent.plan(*roots, simulations=simulations, noise=False)
        assert (result.visits.sum(axis=1) == simulations).all()


@pytest.mark.parametrize("legal_actions", ["tree", "root"])
@pytest.mark.parametrize("expansion", ["all_outcomes", "single_outcome"])
def test_an_illegal_action_is_never_visited(small_config, roots, legal_actions, expansion):
    config = with_search(small_config, legal_actions=legal_actions, expansion=expansion)
    legal = TradingRules.from_config(config).table.legal_mask(roots[1])
    result = plan(make_agent(config), roots, np.arange(ROOTS), noise=True)
    assert (result.visits[~legal] == 0).all()
    assert (result.visits[legal] > 0).any()


def test_the_raw_network_plays_legal_actions_only(small_config, small_dataset):
    rules = TradingRules.from_config(small_config)
    env = SessionEnv(small_dataset, rules, small_dataset.training_starts()[:30])
    policy = NetworkPolicy(make_agent(small_config))
    while not env.done:
        action = policy.act(env)
        assert env.table.legal_mask(env.position)[np.arange(30), action].all()
        env.step(action)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_model_left_in_training_mode_plans_without_dropout(small_config, roots, backend):
    config = with_search(small_config, backend=backend)
    table = TradingRules.from_config(config).table
    model = build_model(config, table)
    model.train()
    agent = MuZeroAgent(model, config.search, AccountStates(table), len(OUTCOME_NAMES))
    training = plan(agent, roots, np.arange(ROOTS), noise=False)
    model.eval()
    evaluating = plan(agent, roots, np.arange(ROOTS), noise=False)
    np.testing.assert_array_equal(training.value, evaluating.value)


@pytest.mark.parametrize("root", ["puct", "gumbel"])
def test_limits_by_time_are_kept_at_the_roots(small_config, roots, root):
    """What the networks do not know of, the search cannot break."""
    limits = Limits.of("bar 4", "bar 2", 1.0)
    config = with_search(small_config, root=root)
    agent, bar = make_agent(config, limits), np.repeat(np.arange(1, 7), 2)
    observation, position, seed = roots
    moment = Moment(bar=bar)
    result = agent.plan(observation, position, seed, simulations=16, noise=True, moment=moment)
    stage = limits.stages(bar.shape, None, bar)
    allowed = limits.allowed(AccountStates(TradingRules.from_config(config).table))[stage, position]
    assert not result.visits[~allowed].any()
    assert allowed[np.arange(ROOTS), result.action].all()
    raw = agent.network_action(observation, position, moment)
    assert allowed[np.arange(ROOTS), raw].all()
    assert (stage == MUST_BE_FLAT).any()
    free, everything = make_agent(config), slice(None)
    unlimited = plan(free, roots, everything, noise=True)
    early = plan(agent, roots, everything, noise=True, moment=Moment(bar=np.zeros(ROOTS, int)))
    np.testing.assert_array_equal(early.visits, unlimited.visits)
