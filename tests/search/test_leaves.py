"""Several leaves of one tree a step: different ones, all counted, and much the same tree."""

import numpy as np
import pytest

from mlx_muzero.search import Leaves, Search, SearchParams
from mlx_muzero.search.hash_evaluator import HashEvaluator

FX_POSITIONS = np.array([[0, 1, 2, -1], [1, -1, -1, 0], [2, -1, -1, 0]], np.int32)
OUTCOMES = 3
MODES = ["all_outcomes", "single_outcome"]
ROOTS = ["puct", "gumbel"]


def steps_of(params, states, threads=1):
    """Every step's leaves, and the finished search."""
    network = HashEvaluator(4, OUTCOMES)
    states = np.asarray(states, np.uint64)
    search = Search(params, FX_POSITIONS, OUTCOMES, threads)
    position = (states % 3).astype(np.int32)
    search.reset(*network.prediction(states), position, states, noise=True)
    network.reset(states, search.root_slots(), search.capacity)
    steps = []
    while (leaves := search.select()) is not None:
        steps.append(leaves)
        expand = network.expand if isinstance(leaves, Leaves) else network.expand_single
        search.backup(expand(leaves))
    return steps, search


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("expansion", MODES)
@pytest.mark.parametrize("depth_limit", [1, 3, 50])
def test_leaves_of_a_step_are_new_and_different(root, expansion, depth_limit):
    params = SearchParams(
        num_simulations=60,
        depth_limit=depth_limit,
        expansion=expansion,
        root=root,
        leaves_per_step=6,
    )
    steps, search = steps_of(params, range(9))
    known = set(search.root_slots().tolist())
    for leaves in steps:
        groups = [(leaves.tree, leaves.parent, leaves.action)]
        if isinstance(leaves, Leaves):
            assert np.bincount(leaves.tree).max() <= 6
        else:
            groups = [
                (leaves.chance_tree, leaves.chance_parent, leaves.chance_action),
                (leaves.tree, leaves.parent, leaves.action, leaves.outcome),
            ]
            assert np.bincount(np.concatenate([leaves.chance_tree, leaves.tree])).max() <= 6
        for tree, *leaf in groups:
            assert (np.diff(tree) >= 0).all()
            assert len(set(zip(*map(np.ndarray.tolist, leaf), strict=True))) == len(tree)
            assert set(leaf[0].tolist()) <= known
        slots = leaves.slot.ravel().tolist()
        assert len(set(slots)) == len(slots)
        assert not known & set(slots)
        known |= set(slots)
    assert (search.result().visits.sum(axis=1) == 60).all()


@pytest.mark.parametrize("expansion", MODES)
@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("leaves_per_step", [2, 4, 7])
def test_the_first_step_expands_every_root_action(expansion, root, leaves_per_step):
    params = SearchParams(expansion=expansion, root=root, leaves_per_step=leaves_per_step)
    steps, _ = steps_of(params, range(9))
    first = steps[0]
    parents = (first.tree, first.action)
    if expansion == "single_outcome":
        parents = (first.chance_tree, first.chance_action)
    legal = FX_POSITIONS[np.arange(9) % 3] >= 0
    expanded = np.zeros_like(legal)
    expanded[parents] = True
    np.testing.assert_array_equal(expanded, legal)


@pytest.mark.parametrize("expansion", MODES)
def test_a_root_does_not_depend_on_its_batch_or_threads(expansion):
    params = SearchParams(num_simulations=60, expansion=expansion, leaves_per_step=5)
    _, together = steps_of(params, range(17))
    _, threaded = steps_of(params, range(17), threads=3)
    _, alone = steps_of(params, [9])
    np.testing.assert_array_equal(together.result().visits, threaded.result().visits)
    np.testing.assert_array_equal(together.result().visits[9], alone.result().visits[0])
    for field in ("visits", "value", "parent"):
        for other, b in ((threaded, 9), (alone, 0)):
            np.testing.assert_array_equal(
                getattr(together.tree(9), field), getattr(other.tree(b), field)
            )


@pytest.mark.parametrize("expansion", MODES)
def test_more_leaves_take_fewer_steps_and_find_much_the_same(expansion):
    def found(leaves_per_step):
        params = SearchParams(
            num_simulations=100, depth_limit=6, expansion=expansion, leaves_per_step=leaves_per_step
        )
        steps, search = steps_of(params, range(300))
        return len(steps), search.result()

    (sequential, one), (batched, many) = found(1), found(4)
    assert batched < 0.5 * sequential
    assert (one.action == many.action).mean() > 0.85
    assert np.abs(one.policy - many.policy).sum(axis=1).mean() / 2 < 0.08
