"""The agent of a factored model: its decisions, and other rules without another training."""

import dataclasses

import mlx.core as mx
import numpy as np
import pytest

from mlx_muzero.agent.backend_choice import BACKENDS, fallback, settle
from mlx_muzero.agent.factored_agent import FactoredAgent
from mlx_muzero.agent.make import make_agent
from mlx_muzero.agent.moment import Moment
from mlx_muzero.config.known_inputs import NOTHING_KNOWN, KnownInputs
from mlx_muzero.config.schema import ModelConfig, SearchConfig
from mlx_muzero.errors import ConfigError
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.positions import TARGET_ACTIONS
from mlx_muzero.trading.rules import TradingRules

WINDOW, COLUMNS = 8, 5
RULES = TradingRules(reward="mark_to_market")
SEARCH = SearchConfig(backend="mlx", depth_limit=3, discount=0.95)
SEED = np.zeros(4, np.uint64)


def model_for(rules=RULES, seed=1, known=NOTHING_KNOWN):
    """A model with random heads, whose chain goes up in one cluster and down in the other."""
    model = FactoredModel(
        ModelConfig(kind="factored", latent_width=16, chain_states=2),
        features=COLUMNS,
        history=(0,),
        exposures=rules.states.exposures.tolist(),
        outcomes=3,
        window_bars=WINDOW,
        known=known,
        seed=seed,
    )
    random = np.random.default_rng(seed)
    for head in (model.worth_head, model.move_head, model.outcome_head):
        weight = random.normal(size=head.output.weight.shape, scale=0.5)
        head.output.weight = mx.array(weight.astype(np.float32))
    model.chain.centers = mx.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    model.chain.transition = mx.array([[0.9, 0.1], [0.1, 0.9]])
    model.chain.move = mx.array([1.0, -1.0])
    model.usual.price = mx.array(150.0)
    model.eval()
    return model


def observations(count=4):
    random = np.random.default_rng(0)
    return random.normal(size=(count, WINDOW, COLUMNS + 6)).astype(np.float32)


def flat(count=4):
    return np.zeros(count, np.int32)


def plan(agent, observation, position, simulations=39):
    seed = np.zeros(len(position), np.uint64)
    return agent.plan(observation, position, seed, simulations=simulations, noise=False)


@pytest.mark.parametrize("rules", [RULES, dataclasses.replace(RULES, table=TARGET_ACTIONS)])
def test_a_decision(rules):
    agent = FactoredAgent(model_for(rules), SEARCH, rules)
    position = np.array([0, 1, 2, 0], np.int32)
    result = plan(agent, observations(), position)
    legal = rules.table.legal_mask(position)
    assert (result.visits[legal] == 39).all()
    assert not result.visits[~legal].any()
    assert legal[np.arange(4), result.action].all()
    np.testing.assert_allclose(result.value, result.q[np.arange(4), result.action])
    for probabilities in (result.policy, result.prior):
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)
        assert not probabilities[~legal].any()
    assert (result.statistics.max_depth == 3).all()


def test_few_simulations_read_less_far_and_none_is_the_network():
    agent = FactoredAgent(model_for(), SEARCH, RULES)
    observation, position = observations(), flat()
    depths = [plan(agent, observation, position, n).statistics.max_depth[0] for n in (2, 3, 12, 99)]
    assert depths == [0, 1, 2, 3]
    raw = plan(agent, observation, position, 1)
    np.testing.assert_array_equal(raw.action, agent.network_action(observation, position))
    np.testing.assert_array_equal(raw.value, raw.raw_value)


def test_every_action_has_its_worth_also_where_nothing_is_read_ahead():
    """Pairs that share a limit on exposure are told apart by it."""
    agent = FactoredAgent(model_for(), SEARCH, RULES)
    position = np.array([0, 1, 2, 0], np.int32)
    legal = RULES.table.legal_mask(position)
    for simulations in (1, 3):
        result = plan(agent, observations(), position, simulations)
        np.testing.assert_array_equal(result.completed_q[legal], result.q[legal])
        assert (np.ptp(result.q, axis=1) > 0.0).all()
    alone = agent.network_weights(observations(), position)
    np.testing.assert_allclose(
        plan(agent, observations(), position, 1).completed_q[legal], alone[legal], rtol=1e-6
    )


def test_a_decision_does_not_depend_on_the_others_in_the_batch():
    agent = FactoredAgent(model_for(), SEARCH, RULES)
    observation = observations()
    together = plan(agent, observation, flat())
    for row in range(4):
        alone = plan(agent, observation[row : row + 1], flat(1))
        np.testing.assert_allclose(alone.q[0], together.q[row], rtol=1e-4, atol=1e-5)


def test_the_rules_of_the_training_change_nothing():
    agent = FactoredAgent(model_for(), SEARCH, RULES)
    again = FactoredAgent(model_for(), SEARCH, dataclasses.replace(RULES), RULES)
    observation = observations()
    one, other = plan(agent, observation, flat()), plan(again, observation, flat())
    np.testing.assert_array_equal(one.q, other.q)


def test_costs_in_force_are_planned_with():
    """What entering is worth falls by the cost at once, and by what later trades would pay."""
    model, observation = model_for(), observations()
    costs = (0.0, 1.0, 4.0, 50.0)
    found = []
    for cost in costs:
        rules = dataclasses.replace(RULES, costs=Costs(cost))
        found.append(plan(FactoredAgent(model, SEARCH, rules, RULES), observation, flat()))
    entering = np.stack([result.q[:, 1] - result.q[:, 0] for result in found])
    assert (np.diff(entering, axis=0) < 0.0).all()
    values = np.stack([result.value for result in found])
    assert (np.diff(values, axis=0) <= 1e-6).all()
    assert (found[-1].action == 0).all()


def test_costs_may_be_counted_several_times():
    """What decides is the factor times what accounts pay, in the networks' worth and ahead."""
    model, observation = model_for(), observations()
    cautious = FactoredAgent(model, dataclasses.replace(SEARCH, cost_factor=2.5), RULES)
    dearer = dataclasses.replace(RULES, costs=Costs(2.5 * RULES.costs.round_trip_pips))
    wanted = plan(FactoredAgent(model, SEARCH, dearer), observation, flat())
    found = plan(cautious, observation, flat())
    np.testing.assert_allclose(found.q, wanted.q, rtol=1e-5)
    np.testing.assert_array_equal(
        cautious.network_action(observation, flat()),
        FactoredAgent(model, SEARCH, dearer).network_action(observation, flat()),
    )


def test_a_clock_of_costs_counts_from_the_minute_of_the_bar():
    """Accounts in different minutes decide as they would alone."""
    rules = dataclasses.replace(RULES, costs=Costs(6.0, clock_minutes=3, clock_pips=0.5))
    agent = FactoredAgent(model_for(), SEARCH, rules, RULES)
    observation, minute = observations(6)[[0, 0, 0, 1, 1, 1]], np.array([0, 1, 2, 0, 1, 2])
    position, seed = flat(6), np.zeros(6, np.uint64)

    def planned(rows):
        return agent.plan(
            observation[rows],
            position[rows],
            seed[rows],
            simulations=39,
            noise=False,
            moment=Moment(minute[rows]),
        )

    together = planned(np.arange(6))
    for row in range(6):
        alone = planned(np.array([row]))
        np.testing.assert_allclose(alone.q[0], together.q[row], rtol=1e-4, atol=1e-5)
        assert agent.tree(0, simulations=39).value[0] == pytest.approx(float(alone.value[0]))
    # Entering is cheapest when the clock says so, and waiting is worth most just before.
    assert (together.q[::3, 1] > together.q[1::3, 1]).all()
    assert (together.q[2::3, 0] >= together.q[1::3, 0]).all()
    assert agent.network_action(observation, position, Moment(minute)).shape == (6,)
    with pytest.raises(ValueError, match="need the minutes"):
        plan(agent, observation, position)


def test_the_clock_of_the_training_counts_where_costs_follow_none_now():
    """Worth was learned under it, and what is corrected depends on the minute."""
    clock = dataclasses.replace(RULES, costs=Costs(6.0, clock_minutes=3, clock_pips=0.5))
    agent = FactoredAgent(model_for(), SEARCH, RULES, clock)
    observation, seed = observations(1)[[0, 0, 0, 0]], np.zeros(4, np.uint64)
    at = np.array([0, 1, 2, 3])
    result = agent.plan(observation, flat(), seed, simulations=1, noise=False, moment=Moment(at))
    np.testing.assert_array_equal(result.q[0], result.q[3])
    assert len(np.unique(result.q[:3, 0])) == 3
    unknown = plan(agent, observation[:1], flat(1), 1)
    np.testing.assert_allclose(unknown.q[0], result.q[:3].mean(axis=0), rtol=1e-5)


def test_the_networks_alone_know_the_next_cost_and_plan_nothing():
    model, observation = model_for(), observations()
    rules = dataclasses.replace(RULES, costs=Costs(1.0))
    agent = FactoredAgent(model, SEARCH, rules, RULES)
    worth = np.array(model.worth(model.representation(mx.array(observation))))
    wanted = np.stack([worth[:, 0], worth[:, 1] - 1.0, worth[:, 2] - 1.0], axis=1).argmax(axis=1)
    np.testing.assert_array_equal(agent.network_action(observation, flat()), wanted)


def test_the_tree_is_that_of_the_last_plan():
    agent = FactoredAgent(model_for(), SEARCH, RULES)
    observation = observations()
    result = plan(agent, observation, flat(), 12)
    tree = agent.tree(2, simulations=12)
    assert tree.value[0] == pytest.approx(float(result.value[2]), rel=1e-6)
    alone, explained = agent.explain(observation[2:3], flat(1), simulations=12)
    assert explained.value[0] == pytest.approx(float(alone.value[0]), rel=1e-6)


def test_new_weights_are_played_after_a_refresh():
    model = model_for()
    agent = FactoredAgent(model, SEARCH, dataclasses.replace(RULES, costs=Costs(1.0)), RULES)
    before = plan(agent, observations(), flat())
    model.chain.move = mx.array([0.1, -0.1])
    agent.refresh()
    after = plan(agent, observations(), flat())
    assert not np.array_equal(before.q, after.q)


def test_it_runs_on_every_backend_and_auto_takes_the_fastest():
    model, observation = model_for(), observations()
    search, speeds = settle(model, dataclasses.replace(SEARCH, backend="auto"))
    assert set(speeds.leaves_per_s) == set(BACKENDS)
    assert min(speeds.leaves_per_s.values()) > 0.0
    assert search.backend == speeds.fastest
    plans = []
    for backend in BACKENDS:
        agent = make_agent(model, dataclasses.replace(SEARCH, backend=backend), RULES)
        assert agent.backend == backend
        plans.append(plan(agent, observation, flat()))
    np.testing.assert_array_equal(plans[0].action, plans[1].action)
    np.testing.assert_allclose(plans[0].q, plans[1].q, rtol=1e-4, atol=1e-4)
    with pytest.raises(ConfigError, match=r'search\.backend: "auto" has not been settled'):
        make_agent(model, dataclasses.replace(SEARCH, backend="auto"), RULES)


def test_the_fastest_is_found_for_a_search_that_reads_no_bar_ahead():
    """Of `fx_intraday`: what it evaluates are the roots."""
    search = dataclasses.replace(SEARCH, backend="auto", num_simulations=1, depth_limit=1)
    _, speeds = settle(model_for(), search)
    assert min(speeds.leaves_per_s.values()) > 0.0


def test_it_falls_back_to_the_first_backend_that_represents_it():
    model = model_for()
    assert fallback(model) == "native"
    model.unknown = mx.zeros(3)
    assert fallback(model) == "mlx"
    search, speeds = settle(model, dataclasses.replace(SEARCH, backend="auto"))
    assert (search.backend, set(speeds.leaves_per_s)) == ("mlx", {"mlx"})


FEW = dataclasses.replace(RULES, max_entries=1)


def test_the_bars_left_are_told_and_nothing_is_read_beyond_them():
    known = KnownInputs(session_bars=20)
    agent = FactoredAgent(model_for(FEW, known=known), SEARCH, FEW)
    account = np.array([0, 0, 4, 3], np.int32)  # flat, flat, long and flat after the one entry
    found = {}
    for made in (0, 10, 18, 19):
        moment = Moment(bar=np.full(4, made))
        seed = np.zeros(4, np.uint64)
        found[made] = agent.plan(
            observations(), account, seed, simulations=39, noise=False, moment=moment
        )
    assert [int(result.statistics.max_depth[0]) for result in found.values()] == [3, 3, 1, 0]
    assert not np.array_equal(found[0].q, found[10].q)
    legal = FEW.states.legal_mask(account)
    for result in found.values():
        np.testing.assert_array_equal(result.visits > 0, legal & (result.visits > 0))
        assert legal[np.arange(4), result.action].all()
    assert (found[0].action[3] == 0).all()  # nothing is left to enter with
    np.testing.assert_array_equal(
        agent.network_action(observations(), account, Moment(bar=np.full(4, 19))),
        found[19].action,
    )
    with pytest.raises(ValueError, match="decisions already made"):
        plan(agent, observations(), account)


def test_a_cost_that_is_told_is_planned_with_once():
    """Within the range that worth was learned for, the chain has nothing to add."""
    model = model_for(known=KnownInputs(cost_pips=(1.0, 8.0)))
    for cost, corrected in ((1.0, False), (2.5, False), (8.0, False), (12.0, True)):
        rules = dataclasses.replace(RULES, costs=Costs(cost))
        agent = FactoredAgent(model, SEARCH, rules, RULES)
        assert (agent._leaf_change is not None) == corrected
        told = agent._known_rows(np.zeros(1, np.int64))
        np.testing.assert_allclose(told[0, 0], min(cost, 8.0) / 8.0)
    clock = dataclasses.replace(RULES, costs=Costs(6.0, clock_minutes=5, clock_pips=2.0))
    agent = FactoredAgent(model, SEARCH, clock, RULES)
    np.testing.assert_allclose(agent._known_rows(np.zeros(1, np.int64))[0, 0], 5.2 / 8.0)
    assert agent._leaf_change is not None


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_tells_the_networks(backend):
    model = model_for(FEW, known=KnownInputs(20, (1.0, 8.0)))
    agents = [
        FactoredAgent(model, dataclasses.replace(SEARCH, backend=b), FEW) for b in ("mlx", backend)
    ]
    account, seed = np.array([0, 1, 4, 3], np.int32), np.zeros(4, np.uint64)
    for made in (0, 17, 19):
        one, other = (
            agent.plan(
                observations(),
                account,
                seed,
                simulations=12,
                noise=False,
                moment=Moment(bar=np.full(4, made)),
            )
            for agent in agents
        )
        np.testing.assert_allclose(one.q, other.q, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(one.action, other.action)
