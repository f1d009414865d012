import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlx.utils import tree_flatten, tree_unflatten

from examples import examples
from mlx_muzero.networks.second_stream import two_streams
from mlx_muzero.training.optimizer import AdamW

FALLING = optim.cosine_decay(0.01, 4, 0.001)


def small_model(seed):
    mx.random.seed(seed)
    return nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7), nn.Linear(7, 3))


def gradients_of(model, step):
    key = mx.random.key(step)
    parameters = dict(tree_flatten(model.trainable_parameters()))
    return {name: mx.random.normal(array.shape, key=key) for name, array in parameters.items()}


def weights(model):
    return {name: np.array(array) for name, array in tree_flatten(model.parameters())}


def test_agrees_with_adam_parameter_by_parameter():
    mine, theirs = small_model(1), small_model(1)
    optimizer = AdamW(mine, FALLING, weight_decay=0.1, average_decay=0.0)
    other = optim.AdamW(learning_rate=FALLING, weight_decay=0.1, bias_correction=True)
    for step in range(5):
        gradients = gradients_of(mine, step)
        optimizer.update(optimizer.end_to_end(gradients), mx.array(1.0))
        other.update(theirs, tree_unflatten(list(gradients.items())))
        for name, array in weights(theirs).items():
            np.testing.assert_allclose(weights(mine)[name], array, rtol=1e-5, atol=1e-7)


def test_goes_on_from_its_arrays():
    one, two = small_model(1), small_model(1)
    first, second = (AdamW(model, FALLING, 0.0, 0.9) for model in (one, two))
    first.update(first.end_to_end(gradients_of(one, 0)), mx.array(0.5))
    second.restore(first.arrays(), first.average())
    for model, optimizer in ((one, first), (two, second)):
        optimizer.update(optimizer.end_to_end(gradients_of(model, 1)), mx.array(1.0))
    for name, array in weights(one).items():
        np.testing.assert_array_equal(array, weights(two)[name])
        np.testing.assert_array_equal(first.average()[name], second.average()[name])


def test_averages_the_parameters_with_a_memory_that_grows():
    model = small_model(1)
    optimizer = AdamW(model, FALLING, 0.0, average_decay=0.5)
    expected = weights(model)
    for step in range(12):
        optimizer.update(optimizer.end_to_end(gradients_of(model, step)), mx.array(1.0))
        keep = min(0.5, (2 + step) / (11 + step))
        for name, array in weights(model).items():
            expected[name] = keep * expected[name] + (1 - keep) * array
            np.testing.assert_allclose(optimizer.average()[name], expected[name], rtol=1e-5)


def test_an_average_without_memory_is_the_parameters():
    model = small_model(1)
    optimizer = AdamW(model, FALLING, 0.0, average_decay=0.0)
    optimizer.update(optimizer.end_to_end(gradients_of(model, 0)), mx.array(1.0))
    for name, array in weights(model).items():
        np.testing.assert_array_equal(optimizer.average()[name], array)


def test_refuses_the_state_of_another_model():
    optimizer = AdamW(small_model(1), 0.01, 0.0, 0.0)
    other = AdamW(nn.Linear(2, 2), 0.01, 0.0, 0.0)
    with pytest.raises(ValueError, match="other parameters"):
        optimizer.restore(other.arrays(), other.average())


@given(st.lists(st.integers(1, 9), min_size=1, max_size=9))
@examples(40)
def test_all_parameters_are_two_vectors_of_about_the_same_length(widths):
    model = nn.Module()
    for number, width in enumerate(widths):
        model[f"p{number}"] = mx.full((2, width), number)
    optimizer = AdamW(model, FALLING, 0.0, 0.9, two_cores=True)
    arrays = dict(tree_flatten(model.parameters()))
    halves = optimizer.end_to_end(arrays)
    assert len(halves) == min(len(widths), 2)
    assert abs(halves[0].size - halves[-1].size) <= 2 * max(widths) or len(halves) == 1
    found = optimizer.by_name(halves)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(np.array(found[name]), np.array(array))


def test_a_second_stream_changes_no_bit():
    models = small_model(1), small_model(1)
    for two, model in enumerate(models):
        optimizer = AdamW(model, FALLING, 0.1, 0.9, two_cores=bool(two))
        for step in range(3):
            with two_streams(bool(two)):
                optimizer.update(optimizer.end_to_end(gradients_of(model, step)), mx.array(0.5))
    for name, array in weights(models[0]).items():
        np.testing.assert_array_equal(array, weights(models[1])[name])
