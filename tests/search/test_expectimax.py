"""Expectimax, the chain behind its leaves, and its tree, against the definitions."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.search.chain_values import ChainMarket
from mlx_muzero.search.expectimax import MarketLayer, depth_within, expectimax
from mlx_muzero.search.market_tree import market_tree
from mlx_muzero.search.terms import Terms
from mlx_muzero.trading.positions import FX_ACTIONS, TARGET_ACTIONS

TABLES = {"fx": FX_ACTIONS, "targets": TARGET_ACTIONS}


def terms_of(table, seed=0, phases=1):
    random = np.random.default_rng(seed)
    costs = random.uniform(0.0, 3.0, (phases, *table.next_position.shape))
    carry = random.normal(size=(phases, len(table.exposures)))
    return Terms(table.exposures, table.next_position, costs, carry)


def conditions(roots, depth, phases=1):
    """Root r begins in phase r."""
    return (np.arange(roots)[:, None] + np.arange(depth + 1)) % phases


def market(roots, depth, outcomes, positions, seed=0):
    """Inner layers and leaves of a made-up market."""
    random = np.random.default_rng(seed)
    layers = []
    for level in range(depth):
        states = roots * outcomes**level
        probs = random.dirichlet(np.ones(outcomes), states).astype(np.float32)
        layers.append(MarketLayer(probs, random.normal(size=probs.shape).astype(np.float32)))
    return layers, random.normal(size=(roots * outcomes**depth, positions))


def by_definition(layers, leaves, terms, condition, discount, state, position, depth=0):
    """Worth of holding `position` over the next bar, one path at a time."""
    if depth == len(layers):
        return leaves[state, position]
    layer, total = layers[depth], 0.0
    outcomes = layer.move.shape[1]
    shares = layer.outcome_probs[state].astype(np.float64)
    now, then = condition[depth : depth + 2]
    for outcome, share in enumerate(shares / shares.sum()):
        best = max(
            by_definition(
                *(layers, leaves, terms, condition, discount),
                *(state * outcomes + outcome, after, depth + 1),
            )
            - terms.costs[then, position, action]
            for action, after in enumerate(terms.next_state[position])
            if after >= 0
        )
        moved = float(layer.move[state, outcome]) * terms.exposures[position]
        moved -= terms.carry[now, position]
        total += share * (moved + discount * best)
    return total


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("phases", [1, 2])
def test_it_is_the_expectation_over_everything_the_account_can_do(table, phases):
    terms = terms_of(TABLES[table], phases=phases)
    layers, leaves = market(2, 2, 3, len(terms.exposures))
    condition = conditions(2, 2, phases)
    worth = expectimax(layers, leaves, terms, condition, 0.9)
    for root in range(2):
        for position in range(len(terms.exposures)):
            wanted = by_definition(layers, leaves, terms, condition[root], 0.9, root, position)
            assert worth[0][root, position] == pytest.approx(wanted)


def test_without_a_layer_the_leaves_decide():
    _, leaves = market(3, 0, 3, 3)
    (worth,) = expectimax([], leaves, terms_of(FX_ACTIONS), conditions(3, 0), 0.9)
    np.testing.assert_array_equal(worth, leaves)


def test_a_root_does_not_depend_on_the_others():
    terms = terms_of(FX_ACTIONS)
    layers, leaves = market(2, 2, 3, 3)
    both = expectimax(layers, leaves, terms, conditions(2, 2), 0.9)[0]
    halves = [
        MarketLayer(*(np.split(a, 2)[1] for a in (layer.outcome_probs, layer.move)))
        for layer in layers
    ]
    second = expectimax(halves, leaves[len(leaves) // 2 :], terms, conditions(1, 2), 0.9)[0]
    np.testing.assert_allclose(both[1], second[0])


@given(st.integers(0, 500), st.integers(2, 5), st.integers(1, 6))
def test_the_depth_is_the_greatest_that_the_evaluations_pay_for(evaluations, outcomes, limit):
    depth = depth_within(evaluations, outcomes, limit)

    def states(levels):
        return sum(outcomes**level for level in range(1, levels + 1))

    assert depth <= limit
    assert depth == 0 or states(depth) <= evaluations
    assert depth == limit or states(depth + 1) > evaluations


def test_three_outcomes_to_depth_three_are_39_states():
    assert depth_within(39, 3, 10) == 3
    assert depth_within(38, 3, 10) == 2


def test_illegal_actions_are_never_the_best():
    terms = terms_of(FX_ACTIONS)
    choices = terms.choices(np.full((4, 3), 1e9), np.zeros(1, np.int64))
    assert np.isneginf(choices[:, ~FX_ACTIONS.legal]).all()
    assert np.isfinite(choices[:, FX_ACTIONS.legal]).all()


def test_a_chain_of_one_state_earns_the_geometric_series():
    """A market that always moves by 2 pips: enter at once at the cost of 3, and hold for good."""
    costs = np.zeros(FX_ACTIONS.next_position.shape)
    costs[0, 1] = costs[0, 2] = 3.0
    terms = Terms.free_to_hold(FX_ACTIONS.exposures, FX_ACTIONS.next_position, costs[None])
    (worth,) = ChainMarket(np.ones((1, 1)), np.array([2.0]), 0.9).forever(terms, np.zeros(1, int))
    held = 2.0 / (1.0 - 0.9)
    # Flat now, it enters at the next decision.
    np.testing.assert_allclose(worth[0, :2], [0.9 * (held - 3.0), held], atol=1e-4)


def exact(transition, move, discount, terms):
    """Worth by policy iteration, of terms that never change: a linear solution for each policy."""
    states, positions = len(move), len(terms.exposures)
    action = np.zeros((states, positions), int)
    while True:
        after = terms.next_state[np.arange(positions), action]
        paid = terms.costs[0][np.arange(positions), action]
        # From (g, p), the chain moves to g', where the policy moves on from p.
        moves = np.zeros((states, positions, states, positions))
        for p in range(positions):
            for g in range(states):
                moves[:, p, g, after[g, p]] += transition[:, g]
        earned = move[:, None] * terms.exposures - terms.carry[0] - discount * (transition @ paid)
        size = states * positions
        system = np.eye(size) - discount * moves.reshape(size, size)
        worth = np.linalg.solve(system, earned.ravel()).reshape(states, positions)
        choices = terms.choices(worth, np.zeros(1, int))
        better = choices.argmax(axis=2)
        kept = np.take_along_axis(choices, action[..., None], 2)[..., 0]
        if (choices.max(axis=2) <= kept + 1e-9 * (1.0 + np.abs(kept))).all():
            return worth
        action = better


@pytest.mark.parametrize("discount", [0.5, 0.997, 0.9999, 0.999999])
@pytest.mark.parametrize("absorbing", [False, True])
def test_the_worth_of_a_chain_is_exact_however_far_it_looks(discount, absorbing):
    """A cluster never seen stays as it is for ever, and earns at another rate than the others."""
    random = np.random.default_rng(2)
    transition, move = random.dirichlet(np.full(6, 0.3), 6), random.normal(size=6)
    if absorbing:
        transition[5], move[5] = np.eye(6)[5], 0.0
        transition[:5, 5] = 0.0
        transition[:5] /= transition[:5].sum(axis=1, keepdims=True)
    terms = terms_of(FX_ACTIONS, 2)
    (worth,) = ChainMarket(transition, move, discount).forever(terms, np.zeros(1, int))
    wanted = exact(transition, move, discount, terms)
    np.testing.assert_allclose(worth, wanted, rtol=2e-9, atol=2e-6)


def test_what_follows_for_ever_must_be_finite():
    with pytest.raises(ValueError, match="below 1"):
        ChainMarket(np.eye(2), np.ones(2), 1.0).forever(terms_of(FX_ACTIONS, 2), np.zeros(1, int))
    with pytest.raises(ValueError, match="between 0 and 1"):
        ChainMarket(np.eye(2), np.ones(2), 1.1)


@pytest.mark.parametrize("phases", [1, 3])
def test_a_chain_is_worth_what_the_best_decisions_earn(phases):
    random = np.random.default_rng(5)
    transition, move = random.dirichlet(np.ones(4), 4), random.normal(size=4)
    terms = terms_of(FX_ACTIONS, 5, phases)
    worth = ChainMarket(transition, move, 0.8).forever(terms, np.arange(phases))
    for phase in range(phases):
        after = (phase + 1) % phases
        later = terms.best(worth[after], np.array([after]))
        wanted = move[:, None] * terms.exposures - terms.carry[phase] + 0.8 * (transition @ later)
        np.testing.assert_allclose(worth[phase], wanted, atol=1e-5)


def test_terms_compare_by_what_accounts_earn():
    one = terms_of(FX_ACTIONS)
    elsewhere = one.costs.copy()
    elsewhere[:, ~FX_ACTIONS.legal] = 7.0
    assert one.same_as(dataclasses.replace(one, costs=elsewhere))
    assert not one.same_as(dataclasses.replace(one, costs=one.costs + 1.0))
    assert not one.same_as(dataclasses.replace(one, carry=one.carry + 1.0))
    assert not one.same_as(terms_of(TARGET_ACTIONS))
    assert not one.same_as(terms_of(FX_ACTIONS, phases=2))


@pytest.mark.parametrize("table", TABLES)
def test_the_tree_adds_up(table):
    terms, discount = terms_of(TABLES[table], phases=3), 0.9
    layers, leaves = market(2, 2, 3, len(terms.exposures))
    condition = conditions(2, 2, 3)
    worth = expectimax(layers, leaves, terms, condition, discount)
    actions = terms.next_state.shape[1]
    prior = np.full(actions, 1.0 / actions).tolist()
    tree = market_tree(layers, worth, 1, 0, prior, terms, condition[1])
    assert (tree.parent[1:] < tree.node[1:]).all()
    assert (np.diff(2 * tree.depth + tree.kind) >= 0).all()
    choices = terms.choices(worth[0][[1]], condition[[1], 0])[0, 0]
    assert tree.value[0] == pytest.approx(choices.max())
    for row in np.flatnonzero(tree.kind == 1):
        below = np.flatnonzero(tree.parent == row)
        expected = tree.probability[below] @ (tree.reward[below] + discount * tree.value[below])
        assert tree.value[row] == pytest.approx(expected, abs=1e-5)
        assert tree.visits[below].sum() == tree.visits[row]
    chances = np.flatnonzero(tree.parent == 0)
    assert tree.action_or_outcome[chances].tolist() == np.flatnonzero(np.isfinite(choices)).tolist()
    np.testing.assert_allclose(tree.value[chances], choices[np.isfinite(choices)])
    # Visits count market states, which all actions share.
    assert tree.visits[0] == 1 + 3 + 9
