"""The agent of a factored model that plans by sampling."""

import dataclasses

import mlx.core as mx
import numpy as np
import pytest

from factored_models import random_model, some_windows
from mlx_muzero.agent.factored_agent import FactoredAgent
from mlx_muzero.agent.moment import Moment
from mlx_muzero.config.known_inputs import KnownInputs
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.positions import TARGET_ACTIONS
from mlx_muzero.trading.rules import TradingRules

RULES = TradingRules(reward="mark_to_market", costs=Costs(2.0))
SEARCH = SearchConfig(backend="mlx", planner="sampling", depth_limit=3, discount=0.95)
VARIANTS = [
    {"root": root, "expansion": expansion, "leaves_per_step": leaves}
    for root in ("puct", "gumbel")
    for expansion in ("all_outcomes", "single_outcome")
    for leaves in (1, 3)
]


def model_for(rules=RULES):
    model = random_model(exposures=rules.table.exposures.tolist())
    clusters = len(model.chain.move)
    model.chain.transition = mx.full((clusters, clusters), 1.0 / clusters)
    model.chain.move = mx.array(np.linspace(-3.0, 3.0, clusters, dtype=np.float32))
    return model


def agent_for(rules=RULES, trained_rules=None, **search):
    changed = dataclasses.replace(SEARCH, **search)
    return FactoredAgent(model_for(rules), changed, rules, trained_rules)


def plan(agent, observation, position, simulations=30, seed=0, noise=False, minute=None):
    seeds = np.arange(seed, seed + len(position), dtype=np.uint64)
    moment = Moment(minute)
    return agent.plan(
        observation, position, seeds, simulations=simulations, noise=noise, moment=moment
    )


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("rules", [RULES, dataclasses.replace(RULES, table=TARGET_ACTIONS)])
def test_a_decision(variant, rules):
    agent, position = agent_for(rules, **variant), np.array([0, 1, 2, 0], np.int32)
    result = plan(agent, some_windows(), position)
    legal = rules.table.legal_mask(position)
    assert (result.visits.sum(axis=1) == 30).all()
    assert not result.visits[~legal].any()
    assert not result.prior[~legal].any()
    assert not result.policy[~legal].any()
    assert legal[np.arange(4), result.action].all()
    assert (result.statistics.max_depth <= 3).all()
    assert (result.statistics.evaluations <= 39).all()
    assert (result.statistics.evaluations >= 3).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_seed_finds_the_same(variant):
    agent, again = agent_for(**variant), agent_for(**variant)
    position, observation = np.zeros(4, np.int32), some_windows()
    first = plan(agent, observation, position, seed=7, noise=True)
    second = plan(again, observation, position, seed=7, noise=True)
    for name in ("visits", "value", "q", "prior", "policy", "action"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_noise_explores_by_its_seed():
    agent, position, observation = agent_for(), np.zeros(4, np.int32), some_windows()
    quiet = plan(agent, observation, position)
    one, other = (plan(agent, observation, position, seed=k, noise=True) for k in (7, 8))
    for first, second in ((quiet, one), (one, other)):
        assert not np.array_equal(first.prior, second.prior)


def test_illegal_actions_are_masked_whatever_the_configuration_says():
    position = np.array([1, 2, 1, 2], np.int32)
    masked, off = (
        plan(agent_for(legal_actions=kind), some_windows(), position) for kind in ("tree", "off")
    )
    np.testing.assert_array_equal(masked.visits, off.visits)


@pytest.mark.parametrize("other", [None, dataclasses.replace(RULES, costs=Costs(0.5))])
def test_in_the_limit_it_decides_as_the_expectimax(other):
    """Also under rules that nobody trained for, which both correct in the same way."""
    sampling = agent_for(other or RULES, RULES, depth_limit=2)
    exact = agent_for(other or RULES, RULES, depth_limit=2, planner="expectimax")
    position, observation = np.array([0, 1, 2, 0], np.int32), some_windows()
    wanted = plan(exact, observation, position, 12)
    wrong = []
    for simulations in (10, 10_000):
        found = plan(sampling, observation, position, simulations)
        wrong.append(np.abs(found.value - wanted.value).max())
    assert wrong[1] < min(0.2, wrong[0])
    rows = np.arange(4)
    assert (wanted.value - wanted.q[rows, found.action] < 0.2).all()
    np.testing.assert_allclose(found.raw_value, wanted.raw_value, rtol=1e-5)
    assert (found.statistics.evaluations == 12).all()


@pytest.mark.parametrize("expansion", ["all_outcomes", "single_outcome"])
@pytest.mark.parametrize("made", [0, 14, 18, 19])
def test_it_tells_the_networks_what_the_expectimax_does(made, expansion):
    """The cost in force, and the bars that are left at each depth; it reads no further."""
    rules = dataclasses.replace(RULES, max_entries=1, costs=Costs(3.0))
    model = random_model(
        exposures=rules.states.exposures.tolist(), known=KnownInputs(20, (1.0, 8.0))
    )
    observation, account = some_windows(), np.array([0, 1, 4, 3], np.int32)
    moment, search = Moment(bar=np.full(4, made)), dataclasses.replace(SEARCH, depth_limit=2)
    exact, found = (
        FactoredAgent(model, dataclasses.replace(search, **changes), rules).plan(
            *(observation, account, np.zeros(4, np.uint64)),
            simulations=simulations,
            noise=False,
            moment=moment,
        )
        for changes, simulations in (
            ({"planner": "expectimax"}, 12),
            ({"expansion": expansion}, 10_000),
        )
    )
    assert (found.statistics.max_depth <= 19 - made).all()
    np.testing.assert_allclose(found.value, exact.value, atol=0.1 * np.ptp(exact.q) + 1e-4)
    np.testing.assert_allclose(found.raw_value, exact.raw_value, rtol=1e-4, atol=1e-5)
    rows = np.arange(4)
    assert (exact.value - exact.q[rows, found.action] < 0.1 * np.ptp(exact.q) + 1e-4).all()


def test_costs_in_force_are_planned_with():
    entering = []
    for cost in (0.0, 1.0, 4.0, 50.0):
        agent = agent_for(dataclasses.replace(RULES, costs=Costs(cost)), RULES)
        result = plan(agent, some_windows(), np.zeros(4, np.int32))
        entering.append(result.q[:, 1] - result.q[:, 0])
    assert (np.diff(entering, axis=0) < 0.0).all()
    assert (result.action == 0).all()


def test_accounts_at_other_minutes_decide_as_they_would_alone():
    rules = dataclasses.replace(RULES, costs=Costs(6.0, clock_minutes=3, clock_pips=0.5))
    agent = agent_for(rules, RULES)
    observation, minute = some_windows(2)[[0, 0, 0, 1, 1, 1]], np.array([0, 1, 2, 0, 1, 2])
    position = np.zeros(6, np.int32)
    together = plan(agent, observation, position, minute=minute)
    trees = [agent.tree(row, simulations=30) for row in range(6)]
    for row in range(6):
        one = slice(row, row + 1)
        alone = plan(agent, observation[one], position[one], minute=minute[one])
        np.testing.assert_array_equal(alone.visits[0], together.visits[row])
        np.testing.assert_allclose(alone.q[0], together.q[row], rtol=1e-4, atol=1e-5)
        assert trees[row].value[0] == pytest.approx(float(alone.value[0]), rel=1e-4)
    assert (together.q[::3, 1] > together.q[1::3, 1]).all()
    with pytest.raises(ValueError, match="need the minutes"):
        plan(agent, observation, position)


def test_the_tree_is_that_of_the_last_plan():
    agent = agent_for()
    result = plan(agent, some_windows(), np.zeros(4, np.int32))
    tree = agent.tree(2, simulations=30)
    assert tree.value[0] == pytest.approx(float(result.value[2]), rel=1e-6)
    assert tree.visits[0] == 31
    root_actions = tree.parent == 0
    np.testing.assert_array_equal(
        tree.visits[root_actions], result.visits[2, tree.action_or_outcome[root_actions]]
    )
    alone, explained = agent.explain(some_windows()[2:3], np.zeros(1, np.int32), simulations=30)
    assert explained.value[0] == pytest.approx(float(alone.value[0]), rel=1e-6)
