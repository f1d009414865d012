"""Expectimax, the chain behind its leaves, and its tree, against the definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.search.chain_values import solve_chain
from mlx_muzero.search.expectimax import MarketLayer, depth_within, expectimax
from mlx_muzero.search.market_tree import market_tree
from mlx_muzero.search.terms import Terms
from mlx_muzero.trading.positions import FX_ACTIONS, TARGET_ACTIONS

TABLES = {"fx": FX_ACTIONS, "targets": TARGET_ACTIONS}


def terms_of(table, seed=0, phases=1):
    random = np.random.default_rng(seed)
    costs = random.uniform(0.0, 3.0, (phases, *table.next_position.shape))
    return Terms(table.exposures, table.next_position, costs)


def market(roots, depth, outcomes, positions, seed=0):
    """Inner layers and leaves of a made-up market."""
    random = np.random.default_rng(seed)
    layers = []
    for level in range(depth):
        states = roots * outcomes**level
        probs = random.dirichlet(np.ones(outcomes), states).astype(np.float32)
        layers.append(MarketLayer(probs, random.normal(size=probs.shape).astype(np.float32)))
    return layers, random.normal(size=(roots * outcomes**depth, positions))


def by_definition(layers, leaves, terms, discount, state, position, depth=0):
    """Worth of holding `position` over the next bar, one path at a time."""
    if depth == len(layers):
        return leaves[state, position]
    layer, total = layers[depth], 0.0
    outcomes = layer.move.shape[1]
    shares = layer.outcome_probs[state].astype(np.float64)
    for outcome, share in enumerate(shares / shares.sum()):
        best = max(
            by_definition(
                layers, leaves, terms, discount, state * outcomes + outcome, after, depth + 1
            )
            - terms.costs[(depth + 1) % len(terms.costs), position, action]
            for action, after in enumerate(terms.next_state[position])
            if after >= 0
        )
        moved = float(layer.move[state, outcome]) * terms.exposures[position]
        total += share * (moved + discount * best)
    return total


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("phases", [1, 2])
def test_it_is_the_expectation_over_everything_the_account_can_do(table, phases):
    terms = terms_of(TABLES[table], phases=phases)
    layers, leaves = market(2, 2, 3, len(terms.exposures))
    worth = expectimax(layers, leaves, terms, 0.9)
    for root in range(2):
        for position in range(len(terms.exposures)):
            wanted = by_definition(layers, leaves, terms, 0.9, root, position)
            assert worth[0][root, position] == pytest.approx(wanted)


def test_without_a_layer_the_leaves_decide():
    _, leaves = market(3, 0, 3, 3)
    (worth,) = expectimax([], leaves, terms_of(FX_ACTIONS), 0.9)
    np.testing.assert_array_equal(worth, leaves)


def test_a_root_does_not_depend_on_the_others():
    terms = terms_of(FX_ACTIONS)
    layers, leaves = market(2, 2, 3, 3)
    both = expectimax(layers, leaves, terms, 0.9)[0]
    halves = [
        MarketLayer(*(np.split(a, 2)[1] for a in (layer.outcome_probs, layer.move)))
        for layer in layers
    ]
    second = expectimax(halves, leaves[len(leaves) // 2 :], terms, 0.9)[0]
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
    choices = terms.choices(np.full((4, 3), 1e9), 0)
    assert np.isneginf(choices[:, ~FX_ACTIONS.legal]).all()
    assert np.isfinite(choices[:, FX_ACTIONS.legal]).all()


def test_a_chain_of_one_state_earns_the_geometric_series():
    """A market that always moves by 2 pips: enter at once at the cost of 3, and hold for good."""
    costs = np.zeros(FX_ACTIONS.next_position.shape)
    costs[0, 1] = costs[0, 2] = 3.0
    terms = Terms(FX_ACTIONS.exposures, FX_ACTIONS.next_position, costs[None])
    (worth,) = solve_chain(np.ones((1, 1)), np.array([2.0]), terms, 0.9)
    held = 2.0 / (1.0 - 0.9)
    # Flat now, it enters at the next decision.
    np.testing.assert_allclose(worth[0, :2], [0.9 * (held - 3.0), held], atol=1e-4)


@pytest.mark.parametrize("phases", [1, 3])
def test_a_chain_is_worth_what_the_best_decisions_earn(phases):
    random = np.random.default_rng(5)
    transition, move = random.dirichlet(np.ones(4), 4), random.normal(size=4)
    terms = terms_of(FX_ACTIONS, 5, phases)
    worth = solve_chain(transition, move, terms, 0.8)
    for phase in range(phases):
        later = terms.best(worth[(phase + 1) % phases], phase + 1)
        wanted = move[:, None] * terms.exposures + 0.8 * (transition @ later)
        np.testing.assert_allclose(worth[phase], wanted, atol=1e-5)


def test_terms_compare_by_what_accounts_earn():
    one = terms_of(FX_ACTIONS)
    elsewhere = one.costs.copy()
    elsewhere[:, ~FX_ACTIONS.legal] = 7.0
    assert one.same_as(Terms(one.exposures, one.next_state, elsewhere))
    assert not one.same_as(Terms(one.exposures, one.next_state, one.costs + 1.0))
    assert not one.same_as(terms_of(TARGET_ACTIONS))
    assert not one.same_as(terms_of(FX_ACTIONS, phases=2))


@pytest.mark.parametrize("table", TABLES)
def test_the_tree_adds_up(table):
    terms, discount = terms_of(TABLES[table]), 0.9
    layers, leaves = market(2, 2, 3, len(terms.exposures))
    worth = expectimax(layers, leaves, terms, discount)
    actions = terms.next_state.shape[1]
    prior = np.full(actions, 1.0 / actions).tolist()
    tree = market_tree(layers, worth, 1, 0, prior, terms)
    assert (tree.parent[1:] < tree.node[1:]).all()
    assert (np.diff(2 * tree.depth + tree.kind) >= 0).all()
    choices = terms.choices(worth[0][1], 0)[0]
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
