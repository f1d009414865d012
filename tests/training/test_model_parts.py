"""A model's parts, reached directly, are those that MLX finds by names."""

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from mlx_muzero.config.presets import FX_FACTORED
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.training.model_parts import ModelParts
from mlx_muzero.training.models import build_model


@pytest.fixture(params=["muzero", "factored"])
def model(request, small_config):
    return build_model(small_config if request.param == "muzero" else FX_FACTORED, FX_ACTIONS)


def named(model):
    return dict(tree_flatten(model.trainable_parameters()))


def test_they_are_the_trainable_parameters_in_order(model):
    parts = ModelParts(model)
    assert list(parts.names) == list(named(model))
    for mine, theirs in zip(parts.parameters(), named(model).values(), strict=True):
        assert mine is theirs


def test_statistics_are_all_other_arrays(model):
    others = dict(tree_flatten(model.parameters()))
    for name in named(model):
        others.pop(name)
    assert {id(array) for array in ModelParts(model).statistics()} == set(map(id, others.values()))


def test_what_is_put_is_in_the_model_and_what_the_model_loads_is_found(model):
    parts = ModelParts(model)
    parts.put([array + 1.0 for array in parts.parameters()])
    for mine, theirs in zip(parts.parameters(), named(model).values(), strict=True):
        assert mine is theirs
    loaded = {name: mx.zeros_like(array) for name, array in tree_flatten(model.parameters())}
    model.load_weights(list(loaded.items()))
    assert all(not np.array(array).any() for array in parts.parameters())
    with pytest.raises(ValueError, match="shorter"):
        parts.put(parts.parameters()[1:])


def test_all_modules_train_or_none(model):
    parts = ModelParts(model)
    for mode in (True, False, True):
        parts.train(mode)
        assert {module.training for module in model.modules()} == {mode}
