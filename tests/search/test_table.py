"""The table-driven network gives the tables' numbers, in the rows the search named."""

import numpy as np
import pytest

from mlx_muzero.errors import SearchError
from mlx_muzero.search import Leaves, Search, SearchParams, SingleLeaves, TableEvaluator

NODES, ACTIONS, OUTCOMES = 20, 2, 3
RANDOM = np.random.default_rng(0)
TABLES = {
    "prior": RANDOM.random((NODES, ACTIONS), np.float32),
    "value": RANDOM.random(NODES, np.float32),
    "reward": RANDOM.random(NODES, np.float32),
    "chance_logits": RANDOM.standard_normal((NODES, OUTCOMES), np.float32),
    "next_node": RANDOM.integers(0, NODES, (NODES, ACTIONS + OUTCOMES)),
}


def int32s(*values):
    return np.array(values, np.int32)


def test_numbers_are_looked_up_along_the_edges():
    network, following = TableEvaluator(**TABLES), TABLES["next_node"]
    network.reset([7, 3], int32s(0, 4), 8)
    slot = int32s([1, 2, 3])
    got = network.expand(Leaves(int32s(0), int32s(4), int32s(1), slot))
    chance = following[3, 1]
    weights = np.exp(TABLES["chance_logits"][chance])
    np.testing.assert_allclose(got.outcome_probs[0], weights / weights.sum(), rtol=1e-6)
    below = following[chance, ACTIONS:]
    np.testing.assert_array_equal(got.reward[0], TABLES["reward"][below])
    np.testing.assert_array_equal(got.value[0], TABLES["value"][below])
    np.testing.assert_array_equal(got.prior[0], TABLES["prior"][below])

    one = network.expand_single(
        SingleLeaves(
            int32s(0), int32s(4), int32s(1), int32s(0), int32s(2), int32s(0), int32s(2), int32s(5)
        )
    )
    np.testing.assert_array_equal(one.outcome_probs, got.outcome_probs)
    assert one.afterstate_value == TABLES["value"][chance]
    reached = following[following[below[1], 0], ACTIONS + 2]
    assert one.value == TABLES["value"][reached]
    assert one.reward == TABLES["reward"][reached]


@pytest.mark.parametrize("expansion", ["all_outcomes", "single_outcome"])
def test_a_function_may_stand_for_the_table(expansion):
    def result(next_node):
        network = TableEvaluator(**TABLES | {"next_node": next_node})
        roots = np.arange(5)
        search = Search(
            SearchParams(num_simulations=30, expansion=expansion), [[0] * ACTIONS], OUTCOMES
        )
        prior, value = network.prediction(roots)
        return search.run(network, roots, prior, value, 0 * roots, roots, noise=False)

    table, function = result(TABLES["next_node"]), result(lambda n, e: TABLES["next_node"][n, e])
    np.testing.assert_array_equal(table.visits, function.visits)
    np.testing.assert_array_equal(table.value, function.value)


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        ("value", np.zeros(NODES + 1), "value"),
        ("chance_logits", np.zeros(NODES), "chance_logits"),
        ("next_node", np.zeros((NODES, ACTIONS), int), "next_node"),
        ("next_node", np.zeros((NODES, ACTIONS + OUTCOMES)), "next_node"),
    ],
)
def test_tables_that_do_not_fit_are_named(name, table, message):
    with pytest.raises(SearchError, match=message):
        TableEvaluator(**TABLES | {name: table})


def test_an_edge_out_of_the_tables_is_an_error():
    network = TableEvaluator(**TABLES | {"next_node": lambda node, edge: node + NODES + 0 * edge})
    network.reset([0], int32s(0), 4)
    with pytest.raises(SearchError, match="outside"):
        network.expand(Leaves(int32s(0), int32s(0), int32s(1), int32s([1, 2, 3])))
