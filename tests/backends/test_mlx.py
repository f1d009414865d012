"""The MLX backend gives the numbers of the model, in the rows the search named."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_muzero.backends.mlx import MlxEvaluator
from mlx_muzero.search import Search, SearchParams, SingleLeaves
from mlx_muzero.search.evaluator import Leaves

WIDTH, ACTIONS, OUTCOMES = 8, 4, 3


class TinyModel:
    """Linear networks over the latent and one-hot action and outcome."""

    def __init__(self):
        keys = iter(mx.random.split(mx.random.key(3), 6))
        self._dynamics = mx.random.normal((WIDTH + ACTIONS + OUTCOMES, WIDTH), key=next(keys)) / 3
        self._afterstate = mx.random.normal((WIDTH + ACTIONS, WIDTH), key=next(keys)) / 3
        self._outcome = mx.random.normal((WIDTH, OUTCOMES), key=next(keys))
        self._policy = mx.random.normal((WIDTH, ACTIONS), key=next(keys))
        self._value = mx.random.normal((WIDTH,), key=next(keys))
        self._reward = mx.random.normal((WIDTH,), key=next(keys))

    def afterstate(self, latent, action):
        inputs = [latent, mx.eye(ACTIONS)[action]]
        return mx.tanh(mx.concatenate(inputs, axis=1) @ self._afterstate)

    def outcome_logits(self, latent, action):
        return self.afterstate(latent, action) @ self._outcome

    def dynamics(self, latent, action, outcome):
        inputs = [latent, mx.eye(ACTIONS)[action], mx.eye(OUTCOMES)[outcome]]
        following = mx.tanh(mx.concatenate(inputs, axis=1) @ self._dynamics)
        return following, following @ self._reward

    def policy_logits(self, latent):
        return latent @ self._policy

    def value(self, latent):
        return latent @ self._value


@pytest.fixture
def latents():
    return mx.random.normal((2, WIDTH), key=mx.random.key(1))


def int32s(*values):
    return np.array(values, np.int32)


def close(got, wanted):
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, np.array(wanted), rtol=1e-5, atol=1e-6)


def test_all_outcomes_are_the_models(latents):
    model = TinyModel()
    evaluator = MlxEvaluator(model)
    evaluator.reset(latents, int32s(0, 7), 14)
    slot = int32s([8, 9, 10], [1, 2, 3])
    got = evaluator.expand(Leaves(int32s(1, 0), int32s(7, 0), int32s(3, 1), slot))
    again = evaluator.expand(Leaves(int32s(0), int32s(9), int32s(0), int32s([4, 5, 6])))

    below = {}
    for row, (root, action) in enumerate([(1, 3), (0, 1)]):
        above, taken = latents[root : root + 1], mx.array([action])
        close(got.outcome_probs[row : row + 1], mx.softmax(model.outcome_logits(above, taken)))
        for outcome in range(OUTCOMES):
            following, reward = model.dynamics(above, taken, mx.array([outcome]))
            below[row, outcome] = following
            close(got.reward[row, outcome : outcome + 1], reward)
            close(got.value[row, outcome : outcome + 1], model.value(following))
            close(got.prior[row, outcome : outcome + 1], mx.softmax(model.policy_logits(following)))
    deeper, _ = model.dynamics(below[0, 1], mx.array([0]), mx.array([2]))
    close(again.value[0, 2:], model.value(deeper))


def test_single_nodes_are_the_models_and_either_group_may_be_empty(latents):
    model = TinyModel()
    evaluator = MlxEvaluator(model)
    evaluator.reset(latents, int32s(0, 7), 14)
    none = np.zeros(0, np.int32)
    chance = evaluator.expand_single(
        SingleLeaves(int32s(1), int32s(7), int32s(2), none, none, none, none, none)
    )
    above, taken = latents[1:], mx.array([2])
    close(chance.outcome_probs, mx.softmax(model.outcome_logits(above, taken)))
    close(chance.afterstate_value, model.value(model.afterstate(above, taken)))
    assert chance.prior.shape == (0, ACTIONS)

    decision = evaluator.expand_single(
        SingleLeaves(none, none, none, int32s(1), int32s(7), int32s(2), int32s(1), int32s(8))
    )
    following, reward = model.dynamics(above, taken, mx.array([1]))
    close(decision.reward, reward)
    close(decision.value, model.value(following))
    close(decision.prior, mx.softmax(model.policy_logits(following)))
    assert decision.outcome_probs.shape == (0, OUTCOMES)


@pytest.mark.parametrize("expansion", ["all_outcomes", "single_outcome"])
def test_a_whole_search_is_repeatable(latents, expansion):
    search = Search(
        SearchParams(num_simulations=12, expansion=expansion), [[0, 1, 1, -1], [1, -1, 0, 0]], 3
    )
    evaluator = MlxEvaluator(TinyModel())
    prior = np.full((2, ACTIONS), 0.25, np.float32)
    arguments = (evaluator, latents, prior, np.zeros(2), [0, 1], [4, 5], True)
    first, second = search.run(*arguments), search.run(*arguments)
    assert (first.visits.sum(axis=1) == 12).all()
    np.testing.assert_array_equal(first.visits, second.visits)
    np.testing.assert_array_equal(first.value, second.value)
