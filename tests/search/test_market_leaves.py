"""A sampling search over a market: every state evaluated once, and what it finds."""

import dataclasses

import numpy as np
import pytest

from mlx_muzero.search import Leaves, Search, SearchParams
from mlx_muzero.search.account_table import AccountTable
from mlx_muzero.search.expectimax import expectimax
from mlx_muzero.search.hash_market import HashMarket
from mlx_muzero.search.market_leaves import MarketLeaves
from mlx_muzero.search.reference_search import ReferenceSearch
from mlx_muzero.search.terms import Terms
from mlx_muzero.trading.positions import FX_ACTIONS, TARGET_ACTIONS

OUTCOMES, ROOTS, DEPTH = 3, 4, 3
FIRST = 100  # no state below a root is another root
TABLES = {"fx": FX_ACTIONS, "targets": TARGET_ACTIONS}
MODES = ["all_outcomes", "single_outcome"]
KINDS_OF_ROOT = ["puct", "gumbel"]
CORRECTION = np.array([0.5, -1.0])


class CountingMarket(HashMarket):
    """Remembers which states it was asked to follow."""

    def __init__(self, table):
        super().__init__(OUTCOMES, len(table.exposures))
        self.followed = []

    def successors(self, latent, known=None):
        self.followed += latent[:, 0].tolist()
        return super().successors(latent, known)


def terms_of(table, conditions=2):
    """Terms whose second condition forbids to act first (to buy) from flat."""
    random = np.random.default_rng(3)
    costs = random.uniform(0.0, 3.0, (conditions, *table.next_position.shape))
    if conditions > 1:
        costs[1, 0, 1] = np.inf
    carry = random.normal(size=(conditions, len(table.exposures)))
    return Terms(table.exposures, table.next_position, costs, carry)


class Problem:
    """Roots of one market, of which accounts with several positions stand before several terms."""

    def __init__(self, table=FX_ACTIONS, **params):
        self.params = SearchParams(depth_limit=DEPTH, discount=0.9, **params)
        self.terms = terms_of(table)
        self.market = CountingMarket(table)
        self.observation = np.arange(FIRST, FIRST + ROOTS, dtype=np.float32)[:, None, None]
        self.position = np.array([0, 1, 2, 0], np.int32)
        first = np.array([0, 0, 1, 1])
        self.condition = (first[:, None] + np.arange(DEPTH + 1)) % 2
        self.seed = np.arange(ROOTS, dtype=np.uint64)

    def in_force(self, worth, cluster, root, depth):
        assert (depth <= DEPTH).all()
        return worth + (CORRECTION[cluster] * (1 + root + depth))[:, None]

    def leaves(self, rows=slice(None)):
        return MarketLeaves(
            self.market,
            self.terms,
            self.condition[rows],
            self.position[rows],
            lambda worth, cluster, root, depth: self.in_force(
                worth, cluster, np.arange(ROOTS)[rows][root], depth
            ),
            2.0,
        )

    def searched(self, rows=slice(None), noise=False):
        """The finished search, its result and its leaves, of some of the roots."""
        leaves, accounts = self.leaves(rows), AccountTable(self.terms, self.condition[rows])
        search = Search(self.params, accounts.next_row, OUTCOMES)
        roots = self.market.roots(self.observation[rows])
        at = accounts.rows(self.position[rows])
        seed = self.seed[rows]
        result = search.run(leaves, roots, *leaves.prediction(roots), at, seed, noise)
        return search, result, leaves

    def exact(self, depth):
        """``f64[B, A]`` what an expectimax says of the actions."""
        ahead, row = self.market.ahead(self.observation, depth), np.arange(ROOTS)
        below = np.repeat(row, OUTCOMES**depth)
        leaf = self.in_force(
            ahead.leaf_worth, ahead.leaf_cluster, below, np.full(len(below), depth)
        )
        worth = expectimax(ahead.layers, leaf, self.terms, self.condition, self.params.discount)
        return self.terms.choices(worth[0], self.condition[:, 0])[row, self.position]


@pytest.mark.parametrize("root", KINDS_OF_ROOT)
@pytest.mark.parametrize("expansion", MODES)
@pytest.mark.parametrize("leaves", [1, 4])
def test_a_market_state_is_evaluated_once(root, expansion, leaves):
    problem = Problem(
        TARGET_ACTIONS,
        num_simulations=90,
        root=root,
        expansion=expansion,
        leaves_per_step=leaves,
    )
    _, result, found = problem.searched(noise=True)
    assert len(set(problem.market.followed)) == len(problem.market.followed)
    assert found.evaluations.sum() == OUTCOMES * len(problem.market.followed)
    assert (found.evaluations <= 3 + 9 + 27).all()
    assert (result.visits.sum(axis=1) == 90).all()


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("expansion", MODES)
def test_in_the_limit_it_is_the_expectimax(table, expansion):
    """Means over simulations approach the best: the worse actions' share of the visits vanishes."""
    wrong = []
    for simulations in (50, 1_000, 100_000):
        problem = Problem(TABLES[table], num_simulations=simulations, expansion=expansion)
        problem.params = dataclasses.replace(problem.params, depth_limit=2)
        _, result, _ = problem.searched()
        exact = problem.exact(2)
        wrong.append(np.abs(result.value - exact.max(axis=1)).max())
    assert wrong[0] > wrong[1] > wrong[2]
    assert wrong[2] < 0.25
    assert (exact.max(axis=1) - exact[np.arange(ROOTS), result.action] < 0.25).all()


def test_a_depth_of_one_is_exact_at_once():
    """With every action tried, and nothing to decide below, a mean is what an expectimax finds."""
    problem = Problem(num_simulations=8)
    problem.params = dataclasses.replace(problem.params, depth_limit=1)
    _, result, _ = problem.searched()
    exact = problem.exact(1)
    legal = np.isfinite(exact)
    assert (result.visits[legal] > 0).all()
    np.testing.assert_allclose(result.q[legal], exact[legal], rtol=1e-5)


@pytest.mark.parametrize("root", KINDS_OF_ROOT)
@pytest.mark.parametrize("expansion", MODES)
def test_what_is_forbidden_later_is_legal_now(root, expansion):
    """Under the second condition nobody may buy; it is in force at every other bar."""
    problem = Problem(num_simulations=200, root=root, expansion=expansion)
    search, result, _ = problem.searched(noise=True)
    for b in range(ROOTS):
        tree, position = search.tree(b), {0: int(problem.position[b])}
        forbidden = []
        for row in range(1, len(tree.node)):
            above = position[int(tree.parent[row])]
            position[row] = above
            if tree.kind[row] == 1:
                action, depth = int(tree.action_or_outcome[row]), int(tree.depth[row])
                condition = problem.condition[b, depth]
                assert np.isfinite(problem.terms.charged[condition, above, action])
                position[row] = int(problem.terms.next_state[above, action])
                forbidden.append((condition, above, action))
        assert (0, 0, 1) in forbidden
        assert (1, 0, 1) not in forbidden
    assert result.visits[3, 1] == 0


@pytest.mark.parametrize("expansion", MODES)
def test_a_root_does_not_depend_on_the_others(expansion):
    problem = Problem(num_simulations=60, expansion=expansion)
    search, together, found = problem.searched(noise=True)
    for b in range(ROOTS):
        alone_search, alone, alone_found = problem.searched([b], noise=True)
        np.testing.assert_array_equal(alone.visits[0], together.visits[b])
        np.testing.assert_array_equal(alone_search.tree(0).value, search.tree(b).value)
        assert alone_found.evaluations[0] == found.evaluations[b]


@pytest.mark.parametrize("root", KINDS_OF_ROOT)
@pytest.mark.parametrize("expansion", MODES)
def test_core_and_twin_build_the_same_trees(root, expansion):
    problem = Problem(TARGET_ACTIONS, num_simulations=40, root=root, expansion=expansion)
    search, result, _ = problem.searched(noise=True)
    accounts, leaves = AccountTable(problem.terms, problem.condition), problem.leaves()
    twin = ReferenceSearch(problem.params, accounts.next_row, OUTCOMES)
    roots = problem.market.roots(problem.observation)
    noised = {"gumbel_seed": problem.seed} if root == "gumbel" else {"noised_prior": result.prior}
    twin.reset(*leaves.prediction(roots), accounts.rows(problem.position), **noised)
    leaves.reset(roots, twin.root_slots(), twin.capacity)
    while (waiting := twin.select()) is not None:
        single = not isinstance(waiting, Leaves)
        twin.backup(leaves.expand_single(waiting) if single else leaves.expand(waiting))
    np.testing.assert_array_equal(twin.result().visits, result.visits)
    for b in range(ROOTS):
        for got, wanted in zip(
            dataclasses.astuple(twin.tree(b)), dataclasses.astuple(search.tree(b)), strict=True
        ):
            np.testing.assert_array_equal(got, wanted)


def test_a_tree_adds_up_to_moves_and_costs():
    """Reward of an edge, value and prior of a leaf, each by its definition from the market."""
    problem = Problem(num_simulations=30)
    search, _, _ = problem.searched()
    for b in range(ROOTS):
        tree = search.tree(b)
        state, position = {0: FIRST + b}, {0: int(problem.position[b])}
        for row in range(1, len(tree.node)):
            above = int(tree.parent[row])
            if tree.kind[row] == 1:
                state[row] = state[above]
                action = int(tree.action_or_outcome[row])
                position[row] = int(problem.terms.next_state[position[above], action])
                continue
            before, outcome = state[above], int(tree.action_or_outcome[row])
            state[row], position[row] = before * OUTCOMES + outcome + 1, position[above]
            held = position[row]
            market = problem.market.roots(np.float32([[[before]]]))
            condition = problem.condition[b, tree.depth[above]]
            moved = market.move[0, outcome] * problem.terms.exposures[held]
            paid = problem.terms.charged[
                condition, position[int(tree.parent[above])], int(tree.action_or_outcome[above])
            ]
            wanted = moved - problem.terms.carry[condition, held] - paid
            assert tree.reward[row] == pytest.approx(wanted, rel=1e-5)
            assert tree.probability[row] == pytest.approx(market.outcome_probs[0, outcome])
            if tree.visits[row] == 1:
                there = problem.market.roots(np.float32([[[state[row]]]]))
                later = problem.condition[b, [tree.depth[row]]]
                worth = problem.in_force(
                    there.worth.astype(float), there.cluster, np.array([b]), tree.depth[[row]]
                )
                value = problem.terms.best(worth, later)[0, held]
                assert tree.value[row] == pytest.approx(value, rel=1e-5)
