"""Bad arguments are named; nothing crashes and nothing is half done."""

import dataclasses
import threading

import numpy as np
import pytest

from mlx_muzero.errors import SearchError
from mlx_muzero.search import Search, SearchParams, SingleExpansion
from mlx_muzero.search.hash_evaluator import HashEvaluator

TABLE = np.array([[0, 1, -1], [0, -1, 1]], np.int32)
OUTCOMES = 2
ROOTS = {
    "prior": np.full((2, 3), 1 / 3, np.float32),
    "value": np.zeros(2, np.float32),
    "position": np.array([0, 1], np.int32),
    "seed": np.array([1, 2], np.uint64),
}


def new_search(**changes):
    return Search(SearchParams(**{"num_simulations": 5} | changes), TABLE, OUTCOMES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_simulations", 0),
        ("num_simulations", 2**31 - 1),
        ("depth_limit", 0),
        ("discount", 1.5),
        ("discount", float("nan")),
        ("pb_c_init", -1.0),
        ("pb_c_base", 0.0),
        ("root_dirichlet_alpha", 0.0),
        ("root_exploration_fraction", 2.0),
        ("legal_actions", "sometimes"),
        ("expansion", "none"),
        ("compatibility", "openspiel"),
        ("root", "random"),
        ("max_num_considered_actions", 0),
        ("leaves_per_step", 0),
        ("num_simulations", 2**40),
    ],
)
def test_constants_out_of_range_are_named(name, value):
    with pytest.raises(SearchError, match=name):
        new_search(**{name: value})


def test_mctx_compatibility_needs_its_expansion():
    with pytest.raises(SearchError, match='expansion must be "single_outcome"'):
        new_search(compatibility="mctx")
    with pytest.raises(SearchError, match="leaves_per_step must be 1"):
        new_search(compatibility="mctx", expansion="single_outcome", leaves_per_step=2)
    with pytest.raises(SearchError, match='root must be "puct"'):
        new_search(compatibility="mctx", expansion="single_outcome", root="gumbel")


def test_position_table_is_checked():
    params = SearchParams()
    with pytest.raises(SearchError, match=r"next_position\[1, 2\] is 2"):
        Search(params, [[0, 1, 0], [0, 1, 2]], 2)
    with pytest.raises(SearchError, match=r"next_position\[1\] has no legal action"):
        Search(params, [[0, 1], [-1, -1]], 2)
    with pytest.raises(SearchError, match="next_position"):
        Search(params, [0, 1], 2)
    with pytest.raises(SearchError, match="next_position"):
        Search(params, np.zeros((0, 2), int), 2)
    with pytest.raises(SearchError, match="next_position must hold integers"):
        Search(params, [[0.5, 1.0]], 2)
    with pytest.raises(SearchError, match="num_outcomes"):
        Search(params, TABLE, 0)
    with pytest.raises(SearchError, match="threads"):
        Search(params, TABLE, 2, threads=0)
    Search(SearchParams(legal_actions="off"), [[0, 1], [-1, -1]], 2)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("prior", [[0.5, 0.5, 0.0], [0.5, np.nan, 0.0]], "prior of root 1, action 1 is nan"),
        ("prior", [[0.5, 0.5, 0.0], [0.5, -0.5, 0.0]], "prior of root 1, action 1 is -0.5"),
        ("prior", np.ones((2, 4)), r"prior has shape \[2, 4\], expected \[2, 3\]"),
        ("prior", "x", "prior must hold numbers"),
        ("value", [0.0, np.inf], "value of root 1 is inf"),
        ("value", [[0.0, 0.0]], "value has shape"),
        ("value", [], "value has shape|prior has shape"),
        ("position", [0, 2], "position of root 1 is 2"),
        ("position", [0, -1], "position of root 1 is -1"),
        ("position", [0, 2**32], "position must lie in"),
        ("position", [0.0, 1.0], "position must hold integers"),
        ("seed", [-1, 0], "seed must lie in"),
        ("seed", [1], "seed has shape"),
    ],
)
def test_bad_roots_are_named(name, value, message):
    search = new_search()
    with np.errstate(all="ignore"), pytest.raises(SearchError, match=message):
        search.reset(**ROOTS | {name: value}, noise=False)


def test_no_roots_is_an_error():
    empty = {
        "prior": np.zeros((0, 3)),
        "value": [],
        "position": np.zeros(0, int),
        "seed": np.zeros(0, int),
    }
    with pytest.raises(SearchError, match="at least one root"):
        new_search().reset(**empty, noise=False)


@pytest.mark.parametrize(
    ("name", "entry", "value", "message"),
    [
        ("value", (1, 0), np.nan, r"value of root 1, action \d \(row 1, entry 0\) is nan"),
        ("reward", (0, 1), np.inf, r"reward of root 0, action \d \(row 0, entry 1\) is inf"),
        ("prior", (1, 1, 2), -1.0, r"prior of root 1, action \d \(row 1, entry 5\) is -1"),
        ("outcome_probs", (0, 0), np.nan, "outcome_probs of root 0"),
        ("outcome_probs", (0,), 0.0, r"outcome_probs of root 0, action \d are all zero"),
    ],
)
def test_bad_evaluations_are_named_and_can_be_repaired(name, entry, value, message):
    search, network = new_search(), HashEvaluator(3, OUTCOMES)
    search.reset(**ROOTS, noise=False)
    network.reset(ROOTS["seed"], search.root_slots(), search.capacity)
    good = network.expand(search.select())
    array = getattr(good, name).copy()
    array[entry] = value
    with pytest.raises(SearchError, match=message):
        search.backup(dataclasses.replace(good, **{name: array}))
    short = dataclasses.replace(good, **{name: getattr(good, name)[:1]})
    with pytest.raises(SearchError, match=f"{name} has shape"):
        search.backup(short)
    assert search.tree(1).visits.tolist() == [1]
    search.backup(good)
    while (leaves := search.select()) is not None:
        search.backup(network.expand(leaves))
    assert (search.result().visits.sum(axis=1) == 5).all()


def test_calls_out_of_order_say_what_is_missing():
    search, network = new_search(), HashEvaluator(3, OUTCOMES)
    with pytest.raises(SearchError, match="reset"):
        search.select()
    with pytest.raises(SearchError, match="does not exist"):
        search.tree(0)
    search.reset(**ROOTS, noise=False)
    network.reset(ROOTS["seed"], search.root_slots(), search.capacity)
    expansion = network.expand(search.select())
    with pytest.raises(SearchError, match="before backup"):
        search.select()
    with pytest.raises(SearchError, match="0 of 5 simulations"):
        search.result()
    search.backup(expansion)
    with pytest.raises(SearchError, match="no leaves"):
        search.backup(expansion)


def test_the_other_modes_expansion_is_refused():
    search = new_search()
    search.reset(**ROOTS, noise=False)
    search.select()
    none = np.zeros(0, np.float32)
    with pytest.raises(SearchError, match="other expansion mode"):
        search.backup(SingleExpansion(none, none, none, none, none))


def test_too_many_slots_is_an_error_not_an_overflow():
    search = Search(SearchParams(num_simulations=1_000_000), TABLE, 1200)
    with pytest.raises(SearchError, match="slots"):
        search.reset(**ROOTS, noise=False)


def test_one_search_is_not_shared_between_threads():
    search = Search(SearchParams(num_simulations=20_000, depth_limit=1), np.zeros((1, 3), int), 1)
    roots = 200
    prior = np.full((roots, 3), 1 / 3, np.float32)
    zeros = np.zeros(roots, np.int32)
    network = HashEvaluator(3, 1)
    search.reset(prior, zeros, zeros, zeros, noise=False)
    network.reset(zeros.astype(np.uint64), search.root_slots(), search.capacity)
    for _ in range(3):  # then the depth limit lets the next select() run to the end
        search.backup(network.expand(search.select()))
    worker = threading.Thread(target=search.select)
    worker.start()
    refused = 0
    while worker.is_alive():
        try:
            search.tree(0)
        except SearchError as error:
            assert "another thread" in str(error)  # noqa: PT017
            refused += 1
    worker.join()
    assert refused > 0
