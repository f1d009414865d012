"""The saved programs compute what the MLX model computes."""

import dataclasses

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import cases, examples
from exports import random_model, random_samples, saved_program
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.coreml.packages import histogram, read_function
from mlx_muzero.exports.figures import BOUNDS
from mlx_muzero.exports.interface import input_shapes, output_shapes
from mlx_muzero.exports.output_errors import output_errors
from mlx_muzero.exports.weights import sizes_of, weights_of
from network_shapes import ENCODER_SIZES, ENCODERS, PROGRAMS, SHAPES

OPERATIONS = {
    "op": {
        *("add", "cast", "concat", "conv", "layer_norm", "mul", "reduce_sum", "relu"),
        *("slice_by_index", "softmax", "sub", "transpose"),
    },
    "decomposed": {
        *("add", "cast", "concat", "conv", "mul", "reduce_mean", "reduce_sum", "relu"),
        *("rsqrt", "slice_by_index", "softmax", "sub", "transpose"),
    },
}


def errors(folder, model, rows, name, precision="fp16", layer_norm="op"):
    """Worst errors by output, over the largest value or 1."""
    programs = {name: {rows: saved_program(folder, name, model, rows, precision, layer_norm)}}
    found = output_errors(programs, sizes_of(model), model, random_samples(model, rows + 2))
    return {error.output: error.worst / max(1.0, error.largest) for error in found}


@pytest.mark.slow
@examples(12)
@given(
    name=st.sampled_from(PROGRAMS),
    precision=st.sampled_from(["fp16", "fp32"]),
    layer_norm=st.sampled_from(["op", "decomposed"]),
    rows=st.integers(1, 9),
    shape=SHAPES,
)
def test_any_network_is_its_saved_program(
    tmp_path_factory, name, precision, layer_norm, rows, shape
):
    folder = tmp_path_factory.mktemp("program")
    found = errors(folder, random_model(**shape), rows, name, precision, layer_norm)
    assert max(found.values()) <= BOUNDS[precision].output, found


@pytest.mark.parametrize("layer_norm", cases(1, ["op", "decomposed"]))
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_is_its_saved_program(tmp_path, encoder, layer_norm):
    model = random_model(encoder=encoder, window_bars=9, **ENCODER_SIZES)
    found = errors(tmp_path, model, 5, "initial", layer_norm=layer_norm)
    assert max(found.values()) <= BOUNDS["fp16"].output, found
    function = read_function(tmp_path / "initial_b5.mlpackage", None)
    allowed = OPERATIONS[layer_norm] | ({"matmul"} if encoder == "transformer" else set())
    assert set(histogram(function)) <= allowed


@pytest.mark.parametrize("name", cases(2, PROGRAMS))
def test_a_program_has_the_tensors_and_operations_of_its_kind(tmp_path, name):
    model = random_model()
    saved_program(tmp_path, name, model, 4)
    function = read_function(tmp_path / f"{name}_b4.mlpackage", None)
    inputs = {key: tuple(var.shape) for key, var in function.inputs.items()}
    outputs = {var.name: tuple(var.shape) for var in function.outputs}
    assert inputs == input_shapes(name, sizes_of(model), 4)
    assert outputs == output_shapes(name, sizes_of(model), 4)
    for var in (*function.inputs.values(), *function.outputs):
        assert var.dtype.__name__ == "fp32"
    assert set(histogram(function)) <= OPERATIONS["op"]
    saved_program(tmp_path, name, model, 4, layer_norm="decomposed")
    function = read_function(tmp_path / f"{name}_b4.mlpackage", None)
    assert set(histogram(function)) <= OPERATIONS["decomposed"]


def test_rows_do_not_influence_each_other(tmp_path):
    model = random_model()
    program = saved_program(tmp_path, "recurrent", model, 5)
    random = np.random.default_rng(1)
    inputs = {
        key: random.normal(size=shape).astype(np.float32)
        for key, shape in input_shapes("recurrent", sizes_of(model), 5).items()
    }
    changed = {key: array.copy() for key, array in inputs.items()}
    for array in changed.values():
        array[..., 2] += 1.0
    before, after = program(inputs), program(changed)
    for output, tensor in before.items():
        same = (tensor == after[output]).reshape(-1, 5).all(axis=0)
        assert same.tolist() == [True, True, False, True, True], output


@pytest.mark.slow
def test_decomposed_layer_norm_survives_what_would_overflow_when_squared(tmp_path):
    """Deviations of some hundreds, whose squares no float16 holds."""
    model = random_model()
    layer = model.representation_network.projection
    layer.weight, layer.bias = layer.weight * 300.0, layer.bias * 300.0
    for layer_norm in ("op", "decomposed"):
        found = errors(tmp_path, model, 3, "initial", layer_norm=layer_norm)
        assert max(found.values()) <= BOUNDS["fp16"].output, (layer_norm, found)


def test_an_export_sees_the_weights_of_inference(tmp_path):
    """Running statistics, no dropout, though the model was just trained."""
    model = random_model(dropout=0.5)
    model.train()
    mx.eval(model.representation(mx.random.normal((16, 6, 5))))
    weights = weights_of(model)
    model.eval()
    assert weights.keys() == weights_of(model).keys()
    found = errors(tmp_path, model, 3, "initial", precision="fp32")
    assert max(found.values()) <= BOUNDS["fp32"].output


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("layer_norm", ["op", "decomposed"])
def test_the_networks_of_the_preset_are_their_saved_programs(tmp_path, name, layer_norm):
    model = random_model(features=15, window_bars=32, **dataclasses.asdict(FX_MICRO.model))
    found = errors(tmp_path, model, 32, name, layer_norm=layer_norm)
    assert max(found.values()) <= BOUNDS["fp16"].output / 2, found
