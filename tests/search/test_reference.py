"""The C++ core agrees with its pure-Python twin, leaf for leaf and node for node."""

from dataclasses import astuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.search import Leaves, Search, SearchParams
from mlx_muzero.search.hash_evaluator import HashEvaluator
from mlx_muzero.search.reference_search import ReferenceSearch
from search_rules import rules


@st.composite
def problems(draw):
    """Constants, position table, roots and a network of any shape, with ties and zeros."""
    actions = draw(st.integers(1, 6))
    outcomes = draw(st.integers(1, 4))
    positions = draw(st.integers(1, 4))
    table = np.array(
        draw(
            st.lists(
                st.lists(st.integers(-1, positions - 1), min_size=actions, max_size=actions),
                min_size=positions,
                max_size=positions,
            )
        )
    )
    table[np.arange(positions), draw(st.integers(0, actions - 1))] = positions - 1
    params = SearchParams(
        num_simulations=draw(st.integers(1, 60)),
        depth_limit=draw(st.integers(1, 8)),
        discount=draw(st.sampled_from([0.0, 0.5, 0.997, 1.0])),
        pb_c_init=draw(st.sampled_from([0.0, 1.25, 4.0])),
        pb_c_base=draw(st.sampled_from([1.0, 50.0, 19652.0])),
        root_dirichlet_alpha=draw(st.sampled_from([0.03, 1.0, 10.0])),
        root_exploration_fraction=draw(st.sampled_from([0.0, 0.25, 1.0])),
        **draw(rules()),
    )
    evaluator_args = (actions, outcomes, draw(st.sampled_from([0, 2, 5])))
    roots = draw(st.integers(1, 4))
    first_state = draw(st.integers(0, 2**32))
    return params, table, evaluator_args, roots, first_state, draw(st.booleans())


@examples(150)
@given(problems())
def test_core_and_twin_take_the_same_steps(problem):
    params, table, evaluator_args, roots, first_state, noise = problem
    states = np.arange(first_state, first_state + roots, dtype=np.uint64)
    position = (np.arange(roots) % len(table)).astype(np.int32)
    core = Search(params, table, evaluator_args[1])
    twin = ReferenceSearch(params, table, evaluator_args[1])
    core_network, twin_network = HashEvaluator(*evaluator_args), HashEvaluator(*evaluator_args)
    prior, value = core_network.prediction(states)

    core.reset(prior, value, position, states, noise)
    core_network.reset(states, core.root_slots(), core.capacity)
    core_leaves = [core.select()]
    while core_leaves[-1] is not None:
        core.backup(_expanded(core_network, core_leaves[-1]))
        core_leaves.append(core.select())
    result = core.result()

    noised = {"gumbel_seed": states} if params.root == "gumbel" else {"noised_prior": result.prior}
    twin.reset(prior, value, position, **noised if noise else {})
    assert twin.capacity == core.capacity
    twin_network.reset(states, twin.root_slots(), twin.capacity)
    for expected in core_leaves:
        leaves = twin.select()
        if expected is None or leaves is None:
            assert leaves is expected
            break
        for got, wanted in zip(_fields(leaves), _fields(expected), strict=True):
            np.testing.assert_array_equal(got, wanted)
        twin.backup(_expanded(twin_network, leaves))

    twin_result = twin.result()
    for name in ("visits", "value", "q", "prior", "policy", "action", "raw_value"):
        np.testing.assert_array_equal(getattr(twin_result, name), getattr(result, name), name)
    for got, wanted in zip(
        astuple(twin_result.statistics), astuple(result.statistics), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)
    for b in range(roots):
        for got, wanted in zip(astuple(twin.tree(b)), astuple(core.tree(b)), strict=True):
            np.testing.assert_array_equal(got, wanted)


def _expanded(network, leaves):
    return network.expand(leaves) if isinstance(leaves, Leaves) else network.expand_single(leaves)


def _fields(leaves):
    return [getattr(leaves, name) for name in leaves.__dataclass_fields__]
