"""What computes a factored model's networks for a search."""

import numpy as np
import pytest

from factored_models import OUTCOMES, SIZES, random_model, some_windows
from mlx_muzero.backends.mlx_market import MlxMarket


@pytest.fixture(scope="module")
def model():
    return random_model(exposures=(0.0, 0.5, 1.0, -0.5, -1.0))


@pytest.fixture(params=[MlxMarket])
def market(model, request):
    return request.param(model)


def close(one, other):
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_state_tells_everything_of_itself(market, model):
    states = market.roots(some_windows(5))
    assert states.latent.shape == (5, SIZES.latent_width)
    assert states.move.shape == (5, OUTCOMES)
    assert states.worth.shape == (5, 5)
    assert states.cluster.dtype == np.int32
    close(states.outcome_probs.sum(axis=1), np.ones(5))


def test_the_successors_of_a_state_are_adjacent(market):
    roots = market.roots(some_windows(4))
    together = market.successors(roots.latent)
    for row in range(4):
        alone = market.successors(roots.latent[row : row + 1])
        here = slice(OUTCOMES * row, OUTCOMES * (row + 1))
        close(alone.latent, together.latent[here])
        close(alone.worth, together.worth[here])
    assert len(np.unique(together.latent, axis=0)) == 4 * OUTCOMES


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_what_lies_ahead_is_step_after_step(market, depth):
    observation = some_windows(3)
    ahead = market.ahead(observation, depth)
    states = market.roots(observation)
    close(ahead.root_worth, states.worth)
    assert len(ahead.layers) == depth
    for layer in ahead.layers:
        close(layer.outcome_probs, states.outcome_probs)
        close(layer.move, states.move)
        states = market.successors(states.latent)
    close(ahead.leaf_worth, states.worth)
    np.testing.assert_array_equal(ahead.leaf_cluster, states.cluster)
    for array in (ahead.leaf_worth, ahead.root_worth):
        assert array.dtype == np.float64
