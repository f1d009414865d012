"""Whatever a network answers, a search ends with a result of the right size or a SearchError."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.errors import SearchError
from mlx_muzero.search import Expansion, Leaves, Search, SearchParams, SingleExpansion
from search_rules import rules

LARGEST = float(np.finfo(np.float32).max)
DENORMAL = float(np.finfo(np.float32).smallest_subnormal)
FINITE = [0.0, -0.0, 1.0, -1.0, 0.3, DENORMAL, -DENORMAL, 1e-30, 1e30, -1e30, LARGEST, -LARGEST]
IMPOSSIBLE = [math.nan, math.inf, -math.inf]


class RandomAnswers:
    """Answers every leaf with numbers drawn from `numbers` and weights drawn from `weights`."""

    def __init__(self, actions, outcomes, numbers, weights, seed):
        self._actions, self._outcomes = actions, outcomes
        self._numbers, self._weights = np.float32(numbers), np.float32(weights)
        self._random = np.random.default_rng(seed)

    def roots(self, count):
        return self._draw(self._weights, count, self._actions), self._draw(self._numbers, count)

    def reset(self, root_latents, root_slots, capacity):
        pass

    def expand(self, leaves):
        n, c = leaves.slot.shape
        return Expansion(
            self._draw(self._weights, n, c),
            self._draw(self._numbers, n, c),
            self._draw(self._numbers, n, c),
            self._draw(self._weights, n, c, self._actions),
        )

    def expand_single(self, leaves):
        n, m = len(leaves.chance_tree), len(leaves.tree)
        return SingleExpansion(
            self._draw(self._weights, n, self._outcomes),
            self._draw(self._numbers, n),
            self._draw(self._numbers, m),
            self._draw(self._numbers, m),
            self._draw(self._weights, m, self._actions),
        )

    def _draw(self, palette, *shape):
        return self._random.choice(palette, shape)


@st.composite
def searches(draw):
    actions, outcomes, positions = (draw(st.integers(1, 5)) for _ in range(3))
    table = np.random.default_rng(draw(st.integers(0, 99))).integers(
        -1, positions, (positions, actions)
    )
    params = SearchParams(
        num_simulations=draw(st.integers(1, 40)),
        depth_limit=draw(st.sampled_from([1, 2, 3, 2**31 - 1])),
        discount=draw(st.sampled_from([0.0, 0.997, 1.0])),
        pb_c_init=draw(st.sampled_from([0.0, 1.25, LARGEST])),
        pb_c_base=draw(st.sampled_from([1.0, 19652.0, LARGEST])),
        root_dirichlet_alpha=draw(st.sampled_from([1e-3, 1.0, LARGEST])),
        root_exploration_fraction=draw(st.sampled_from([0.0, 0.5, 1.0])),
        **draw(rules()),
    )
    return params, table, outcomes, draw(st.integers(1, 3)), draw(st.integers(0, 2**32))


def finished(problem, numbers, weights, threads):
    """The finished search, its result and the number of roots."""
    params, table, outcomes, roots, seed = problem
    network = RandomAnswers(table.shape[1], outcomes, numbers, weights, seed)
    search = Search(params, table, outcomes, threads)
    position = np.arange(roots) % len(table)
    result = search.run(
        network, None, *network.roots(roots), position, seed + np.arange(roots), noise=True
    )
    return search, result, roots


@examples(200)
@given(searches(), st.lists(st.sampled_from(FINITE), min_size=1), st.sampled_from([1, 3]))
def test_finite_answers_give_a_whole_result(problem, numbers, threads):
    params, table, *_ = problem
    weights = [1.0, *(number for number in numbers if number >= 0.0)]
    try:
        search, result, roots = finished(problem, numbers, weights, threads)
    except SearchError as error:
        assert "no legal action" in str(error) or "all zero" in str(error)  # noqa: PT017
        return
    shape = (roots, table.shape[1])
    assert (result.visits.sum(axis=1) == params.num_simulations).all()
    for array in (result.visits, result.q, result.prior, result.policy):
        assert array.shape == shape
        assert np.isfinite(array).all()
    np.testing.assert_allclose(result.policy.sum(axis=1), 1.0, rtol=1e-5)
    assert (result.visits[np.arange(roots), result.action] > 0).all()
    for array in (result.value, result.raw_value, result.statistics.mean_depth):
        assert array.shape == (roots,)
        assert np.isfinite(array).all()
    for b in range(roots):
        tree = search.tree(b)
        assert len(tree.node) <= search.capacity // roots + params.num_simulations
        assert np.isfinite(tree.value).all()


@examples(100)
@given(searches(), st.sampled_from(IMPOSSIBLE), st.booleans())
def test_impossible_answers_are_an_error_that_names_them(problem, number, as_weight):
    params, table, *rest = problem
    # One action must be legal everywhere, so that only the answers are at fault.
    table[:, 0] = 0
    numbers, weights = ([0.0], [number]) if as_weight else ([number], [1.0])
    with pytest.raises(SearchError, match=r"prior|value|reward|outcome_probs"):
        finished((params, table, *rest), numbers, weights, 1)


@pytest.mark.parametrize("expansion", ["all_outcomes", "single_outcome"])
def test_weights_of_zero_become_uniform(expansion):
    """The documented fallback for a policy that gives no legal action any weight."""
    params = SearchParams(num_simulations=12, expansion=expansion)
    network = RandomAnswers(3, 2, [0.5], [0.0], 0)
    search = Search(params, [[0, 0, -1]], 2)
    search.reset([[0.0, 0.0, 1.0]], [0.0], [0], [0], noise=False)
    while (leaves := search.select()) is not None:
        if isinstance(leaves, Leaves):
            answer = network.expand(leaves)
        else:
            answer = network.expand_single(leaves)
        answer.outcome_probs[:] = 1.0
        search.backup(answer)
    assert search.result().prior.tolist() == [[0.5, 0.5, 0.0]]
    inner = search.tree(0)
    priors = inner.prior[(inner.kind == 1) & (inner.depth > 0)]
    assert len(priors) > 0
    assert (priors == 0.5).all()


def test_returns_beyond_float32_are_held_at_its_limit():
    network = RandomAnswers(2, 1, [LARGEST], [1.0], 0)
    search = Search(SearchParams(num_simulations=9, discount=1.0), [[0, 0]], 1)
    result = search.run(network, None, *network.roots(1), [0], [0], noise=False)
    assert (result.q == np.float32(LARGEST)).all()
    assert search.tree(0).value.max() > LARGEST


def test_memory_is_fixed_by_the_sizes_of_a_search():
    def held(roots, **changes):
        network = RandomAnswers(4, 3, [0.5], [1.0], 0)
        search = Search(SearchParams(**{"num_simulations": 25} | changes), [[0] * 4], 3)
        assert search.arena_bytes == 0
        zeros = np.zeros(roots, np.int32)
        search.run(network, None, *network.roots(roots), zeros, zeros, noise=False)
        return search.arena_bytes

    assert held(8) == 8 * held(1)
    assert held(1, num_simulations=250) < 11 * held(1)
    assert held(1, depth_limit=20) - held(1) < 500
