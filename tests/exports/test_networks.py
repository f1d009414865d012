"""Weights become layers: batch norm folded, nothing left over, nothing beyond the precision."""

import mlx.core as mx
import numpy as np
import pytest
from mlx import nn

from exports import random_model
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.layers import Reader
from mlx_muzero.exports.networks import read_networks
from mlx_muzero.exports.weights import digest, sizes_of, weights_of
from mlx_muzero.networks.folding import NORM_EPSILON


@pytest.fixture
def model():
    return random_model()


def read(model, precision="fp16", **changes):
    weights = weights_of(model) | changes
    weights = {name: array for name, array in weights.items() if array is not None}
    return read_networks(weights, sizes_of(model), precision)


def test_a_folded_batch_norm_is_the_layer_and_the_batch_norm():
    random = np.random.default_rng(0)
    linear, norm = nn.Linear(5, 7), nn.BatchNorm(7)
    norm.weight, norm.bias = (mx.array(random.normal(size=7).astype("f")) for _ in range(2))
    norm.running_mean = mx.array(random.normal(size=7).astype("f"))
    norm.running_var = mx.array(random.uniform(0.01, 4.0, 7).astype("f"))
    norm.eval()
    x = random.normal(size=(20, 5)).astype("f")
    weights = {f"linear.{name}": np.array(array) for name, array in linear.parameters().items()}
    weights |= {f"norm.{name}": np.array(array) for name, array in norm.parameters().items()}
    reader = Reader(weights, "fp32")
    layer = reader.linear_batch_norm("linear", "norm", 5, 7)
    reader.finish()
    wanted = np.array(norm(linear(mx.array(x))))
    np.testing.assert_allclose(x @ layer.weight[:, :, 0].T + layer.bias, wanted, atol=2e-6)
    assert norm.eps == nn.LayerNorm(2).eps == NORM_EPSILON


def test_the_taps_of_a_convolution_come_oldest_first(model):
    conv = read(model, "fp32").representation.encoder.blocks[0].conv_1
    assert conv.weight.shape == (6, 5, 3)
    weights = weights_of(model)
    name = "representation_network.encoder.blocks.0"
    variance = weights[f"{name}.norm_1.running_var"]
    gain = weights[f"{name}.norm_1.weight"] / np.sqrt(variance + NORM_EPSILON)
    taps = weights[f"{name}.conv_1.taps.weight"] * gain[:, None]
    np.testing.assert_allclose(conv.weight[:, :, 0], taps[:, :5], rtol=1e-5)
    np.testing.assert_allclose(conv.weight[:, :, 2], taps[:, 10:], rtol=1e-5)


HEAD = "value_network.logits.weight"


@pytest.mark.parametrize("value", [7e4, -7e4, np.inf, np.nan])
def test_a_weight_beyond_float16_is_named(model, value):
    weight = weights_of(model)[HEAD]
    weight[3, 2] = value
    with pytest.raises(ExportError, match=rf"{HEAD} reaches .*, beyond what fp16 holds"):
        read(model, **{HEAD: weight})
    if np.isfinite(value):
        read(model, "fp32", **{HEAD: weight})
    else:
        with pytest.raises(ExportError, match="beyond what fp32 holds"):
            read(model, "fp32", **{HEAD: weight})


def test_a_weight_that_batch_norm_takes_beyond_float16_is_named(model):
    """What is exported counts, not what was trained."""
    name = "representation_network.encoder.blocks.1"
    tiny = np.full(6, 1e-12, np.float32)
    huge = weights_of(model)[f"{name}.conv_2.taps.weight"] * 1e3
    changes = {f"{name}.norm_2.running_var": tiny, f"{name}.conv_2.taps.weight": huge}
    with pytest.raises(ExportError, match=r"blocks\.1\.conv_2\.taps\+norm_2\.weight reaches"):
        read(model, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({HEAD: None}, rf"cannot find parameter {HEAD} \(15, 12\)"),
        ({HEAD: np.zeros((15, 11), "f")}, rf"parameter {HEAD} is \(15, 11\), .* \(15, 12\)"),
        (
            {"policy_network.gate.weight": np.zeros((4, 4), "f")},
            r"not understand this model: parameter policy_network\.gate\.weight \(4, 4\)",
        ),
        (
            {"representation_network.encoder.heads.weight": np.zeros((2, 2), "f")},
            r"not understand this encoder: parameter representation_network\.encoder\.heads",
        ),
    ],
)
def test_a_model_it_does_not_understand_is_refused(model, changes, message):
    with pytest.raises(ExportError, match=message):
        read(model, **changes)


def test_equal_weights_have_one_digest_and_others_another(model):
    weights = weights_of(model)
    assert digest(weights) == digest(dict(reversed(weights.items())))
    for name in (HEAD, "representation_network.encoder.norm.running_mean"):
        changed = weights[name].copy()
        changed.flat[0] += 1e-6
        assert digest(weights | {name: changed}) != digest(weights)
    assert digest(weights | {HEAD: weights[HEAD].T}) != digest(weights)
