"""What holds in every tree, whatever the network."""

import numpy as np
import pytest

from mlx_muzero.search import Search, SearchParams
from mlx_muzero.search.hash_evaluator import HashEvaluator

FX_POSITIONS = np.array([[0, 1, 2, -1], [1, -1, -1, 0], [2, -1, -1, 0]], np.int32)
OUTCOMES = 3
MODES = ["all_outcomes", "single_outcome"]
ROOTS = ["puct", "gumbel"]


def plan(params, states, *, table=FX_POSITIONS, noise=False, threads=1, position=None):
    """A finished search from the given states and its result."""
    network = HashEvaluator(table.shape[1], OUTCOMES)
    states = np.asarray(states, np.uint64)
    prior, value = network.prediction(states)
    if position is None:
        position = states % len(table)
    search = Search(params, table, OUTCOMES, threads)
    return search, search.run(network, states, prior, value, position, states, noise)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("expansion", MODES)
@pytest.mark.parametrize("depth_limit", [1, 3, 50])
def test_visits_are_conserved(root, expansion, depth_limit):
    params = SearchParams(
        num_simulations=80, depth_limit=depth_limit, expansion=expansion, root=root
    )
    search, result = plan(params, range(6))
    assert (result.visits.sum(axis=1) == 80).all()
    for b in range(6):
        tree = search.tree(b)
        below = np.zeros_like(tree.visits)
        np.add.at(below, tree.parent[1:], tree.visits[1:])
        chance = tree.kind == 1
        # A successor made by all_outcomes counts its own evaluation, no simulation through it.
        own = np.bincount(tree.parent[1:], minlength=len(tree.parent))[chance]
        decision = (tree.kind == 0) & (tree.depth < depth_limit)
        # N of a decision node is its own evaluation and the simulations through its actions.
        np.testing.assert_array_equal(tree.visits[decision], 1 + below[decision])
        # N(a) is its expansion and the simulations that went on through an outcome.
        through = below[chance] - (own if expansion == "all_outcomes" else 0)
        np.testing.assert_array_equal(tree.visits[chance], 1 + through)
        assert tree.depth.max() <= depth_limit
        assert tree.visits[0] == 81


@pytest.mark.parametrize("expansion", MODES)
@pytest.mark.parametrize("depth_limit", [1, 2, 4])
def test_depth_limit_counts_environment_steps_and_is_reached(expansion, depth_limit):
    params = SearchParams(num_simulations=200, depth_limit=depth_limit, expansion=expansion)
    _, result = plan(params, range(5))
    assert (result.statistics.max_depth == depth_limit).all()
    assert (result.statistics.mean_depth <= depth_limit).all()
    stopped = 200 - result.statistics.leaves
    assert (stopped >= 0).all()


def test_one_simulation_follows_the_prior_and_averages_with_the_root_value():
    prior = np.array([[0.1, 0.2, 0.6, 0.1]], np.float32)
    search = Search(SearchParams(num_simulations=1), FX_POSITIONS, OUTCOMES)
    network = HashEvaluator(4, OUTCOMES)
    result = search.run(network, np.uint64([5]), prior, [2.0], [0], [0], noise=False)
    assert result.visits.tolist() == [[0, 0, 1, 0]]
    assert result.value[0] == pytest.approx((2.0 + result.q[0, 2]) / 2)
    assert result.raw_value[0] == 2.0
    np.testing.assert_array_equal(result.policy, result.visits)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("expansion", MODES)
def test_a_root_does_not_depend_on_its_batch_or_threads(root, expansion):
    params = SearchParams(num_simulations=60, depth_limit=6, expansion=expansion, root=root)
    together, batch = plan(params, range(17), noise=True)
    _, threaded = plan(params, range(17), noise=True, threads=3)
    np.testing.assert_array_equal(batch.visits, threaded.visits)
    np.testing.assert_array_equal(batch.value, threaded.value)
    for b in (0, 7, 16):
        alone, single = plan(params, [b], noise=True)
        np.testing.assert_array_equal(single.visits[0], batch.visits[b])
        np.testing.assert_array_equal(single.prior[0], batch.prior[b])
        np.testing.assert_array_equal(alone.tree(0).value, together.tree(b).value)


def test_a_search_object_can_be_used_again_with_another_batch():
    params = SearchParams(num_simulations=20)
    search, first = plan(params, range(3))
    network = HashEvaluator(4, OUTCOMES)
    for roots in (9, 3):
        states = np.arange(roots, dtype=np.uint64)
        prior, value = network.prediction(states)
        again = search.run(network, states, prior, value, states % 3, states, noise=False)
        np.testing.assert_array_equal(again.visits[:3], first.visits)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("expansion", MODES)
def test_illegal_actions_are_masked_in_the_tree(root, expansion):
    params = SearchParams(num_simulations=150, depth_limit=5, expansion=expansion, root=root)
    search, result = plan(params, range(6), noise=True)
    allowed = FX_POSITIONS[np.arange(6) % 3] >= 0
    assert (result.visits[~allowed] == 0).all()
    assert (result.prior[~allowed] == 0.0).all()
    assert (result.policy[~allowed] == 0.0).all()
    np.testing.assert_allclose(result.prior.sum(axis=1), 1.0, rtol=1e-6)
    for b in range(6):
        _walk_positions(search.tree(b), b % 3)


def _walk_positions(tree, root_position):
    """Every action in the tree is legal in the position that the actions above lead to."""
    position = np.full(len(tree.node), root_position)
    for row in range(1, len(tree.node)):
        above = position[tree.parent[row]]
        if tree.kind[row] == 1:
            position[row] = FX_POSITIONS[above, tree.action_or_outcome[row]]
            assert position[row] >= 0
        else:
            position[row] = above


def test_mask_at_the_root_only_and_not_at_all():
    states = np.arange(1, 30, 3)  # long
    at_root = plan(SearchParams(num_simulations=100, legal_actions="root"), states)
    off = plan(SearchParams(num_simulations=100, legal_actions="off"), states)
    allowed = FX_POSITIONS[states % 3] >= 0
    assert (at_root[1].visits[~allowed] == 0).all()
    assert (off[1].visits[~allowed] > 0).any()
    tree = at_root[0].tree(0)
    inner = tree.action_or_outcome[(tree.kind == 1) & (tree.depth > 0)]
    assert {1, 2} & set(inner.tolist())


def test_a_prior_without_legal_weight_becomes_uniform():
    search = Search(SearchParams(num_simulations=2), FX_POSITIONS, OUTCOMES)
    prior = np.array([[0.0, 0.5, 0.5, 0.0]], np.float32)
    result = search.run(HashEvaluator(4, OUTCOMES), np.uint64([0]), prior, [0.0], [1], [0], False)
    assert result.prior.tolist() == [[0.5, 0.0, 0.0, 0.5]]


@pytest.mark.parametrize("alpha", [0.001, 0.3, 1.0, 8.0])
def test_root_noise_has_the_moments_of_a_dirichlet_distribution(alpha):
    roots, actions = 4000, 4
    params = SearchParams(
        num_simulations=1, root_dirichlet_alpha=alpha, root_exploration_fraction=1.0
    )
    search = Search(params, FX_POSITIONS, 1)
    prior = np.full((roots, actions), 0.25, np.float32)
    zeros = np.zeros(roots, np.int32)
    result = search.run(
        HashEvaluator(actions, 1),
        zeros.astype(np.uint64),
        prior,
        zeros,
        zeros,
        np.arange(roots),
        True,
    )
    noise = result.prior[:, :3].astype(np.float64)
    assert (result.prior[:, 3] == 0.0).all()
    np.testing.assert_allclose(noise.sum(axis=1), 1.0, rtol=1e-5)
    variance = (1 / 3) * (2 / 3) / (3 * alpha + 1)
    np.testing.assert_allclose(noise.mean(axis=0), 1 / 3, atol=5 * np.sqrt(variance / roots))
    np.testing.assert_allclose(noise.var(axis=0), variance, rtol=0.12)


def test_noise_depends_on_the_seed_and_mixes_by_its_share():
    params = SearchParams(num_simulations=1, root_exploration_fraction=0.25)
    search = Search(params, np.zeros((1, 4), np.int32), OUTCOMES)
    prior = np.tile(np.array([[0.7, 0.1, 0.1, 0.1]], np.float32), (3, 1))
    network = HashEvaluator(4, OUTCOMES)
    states = np.zeros(3, np.uint64)
    result = search.run(network, states, prior, np.zeros(3), [0, 0, 0], [1, 2, 1], noise=True)
    assert (result.prior[0] == result.prior[2]).all()
    assert (result.prior[0] != result.prior[1]).any()
    assert (result.prior >= 0.75 * prior - 1e-6).all()


def test_chance_visits_follow_the_outcome_probabilities():
    params = SearchParams(num_simulations=400, depth_limit=50)
    search, _ = plan(params, [3], table=np.zeros((1, 1), np.int32))
    tree = search.tree(0)
    children = tree.parent == 1  # successors of the only root action
    traversals = tree.visits[children] - 1
    share = traversals / traversals.sum()
    np.testing.assert_allclose(share, tree.probability[children], atol=2 / traversals.sum())
