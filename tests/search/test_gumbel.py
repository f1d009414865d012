"""A Gumbel root: sequential halving, its winner, and the improved policy."""

import numpy as np
import pytest

from mlx_muzero.search import Search, SearchParams
from mlx_muzero.search.hash_evaluator import HashEvaluator

FREE = np.zeros((1, 4), np.int32)


def plan(states, *, noise=False, seeds=None, table=FREE, prior=None, **changes):
    params = SearchParams(**{"num_simulations": 16, "root": "gumbel"} | changes)
    states = np.asarray(states, np.uint64)
    network = HashEvaluator(table.shape[1], 3)
    given, value = network.prediction(states)
    seeds = states if seeds is None else seeds
    search = Search(params, table, 3)
    zeros = np.zeros(len(states), np.int32)
    prior = given if prior is None else np.float32(prior)
    return search.run(network, states, prior, value, zeros, seeds, noise)


@pytest.mark.parametrize(
    ("simulations", "considered", "visits"),
    [
        (16, 4, [6, 6, 2, 2]),  # two each, then four each of the better half
        (16, 2, [8, 8, 0, 0]),
        (16, 1, [16, 0, 0, 0]),
        (5, 4, [2, 1, 1, 1]),
        (3, 16, [1, 1, 1, 0]),
    ],
)
@pytest.mark.parametrize("noise", [False, True])
def test_visits_are_those_of_sequential_halving(simulations, considered, visits, noise):
    result = plan(
        range(50), num_simulations=simulations, max_num_considered_actions=considered, noise=noise
    )
    assert (np.sort(result.visits, axis=1)[:, ::-1] == visits).all()


def test_the_winner_is_among_the_most_visited():
    result = plan(range(200), noise=True)
    rows = np.arange(200)
    assert (result.visits[rows, result.action] == result.visits.max(axis=1)).all()
    assert (result.action != result.visits.argmax(axis=1)).any()
    np.testing.assert_array_equal(result.greedy_value, result.q[rows, result.action])


def test_without_noise_the_seed_does_not_matter():
    one, other = plan(range(50)), plan(range(50), seeds=np.arange(50) + 1000)
    for name in ("visits", "policy", "action", "value"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_noise_depends_on_the_seed_alone_and_leaves_the_prior():
    same, again = plan([3] * 50, seeds=np.arange(50), noise=True), plan([3], seeds=[7], noise=True)
    assert len(np.unique(same.visits, axis=0)) > 1
    np.testing.assert_array_equal(same.visits[7], again.visits[0])
    assert (same.prior == same.prior[0]).all()


def test_considered_actions_are_drawn_from_the_prior():
    """The largest of ln P plus Gumbel noise is a sample of P."""
    prior = np.array([0.5, 0.3, 0.2, 0.0])
    states = np.zeros(20_000, np.uint64)
    result = plan(
        states,
        seeds=np.arange(20_000),
        noise=True,
        prior=np.tile(prior, (20_000, 1)),
        num_simulations=1,
        max_num_considered_actions=1,
    )
    np.testing.assert_allclose(result.visits.mean(axis=0), prior, atol=0.012)


def test_the_policy_improves_on_the_prior():
    """Where every Q is known: expected Q grows, and the order of the actions is Q's or P's."""
    result = plan(range(300), num_simulations=8, depth_limit=1)
    assert (result.visits > 0).all()
    np.testing.assert_allclose(result.policy.sum(axis=1), 1.0, rtol=1e-6)
    before, after = ((p * result.q).sum(axis=1) for p in (result.prior, result.policy))
    assert (after > before).all()
    ratio = np.log(result.policy / result.prior)
    np.testing.assert_array_equal(ratio.argmax(axis=1), result.q.argmax(axis=1))
    np.testing.assert_array_equal(ratio.argmin(axis=1), result.q.argmin(axis=1))


def test_more_considered_actions_than_legal_ones_do_no_harm():
    table = np.array([[0, -1, 0, -1]], np.int32)
    result = plan(range(20), table=table, noise=True, max_num_considered_actions=16)
    assert (result.visits == [8, 0, 8, 0]).all()
    assert (result.policy[:, [1, 3]] == 0.0).all()
