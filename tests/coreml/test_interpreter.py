"""The interpreter rounds as float16 does, and runs nothing it does not know."""

import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports import random_model, saved_program
from mlx_muzero.coreml import conversion
from mlx_muzero.coreml.interpreting import interpreter
from mlx_muzero.coreml.packages import read_function, require_precision
from mlx_muzero.coreml.toolkit import TARGET, mb
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.half_precision import round_to_half


def assert_rounded(values):
    values = np.asarray(values, np.float32)
    with np.errstate(all="ignore"):
        wanted = values.astype(np.float16).astype(np.float32)
        got = round_to_half(values.copy())
    np.testing.assert_array_equal(got, wanted)


@given(st.lists(st.floats(width=32), min_size=1))
def test_rounding_is_that_of_a_cast(values):
    assert_rounded(values)


def test_every_half_its_neighbours_and_every_tie_are_rounded_as_a_cast_does():
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)
    halves = np.sort(halves[np.isfinite(halves)])
    ties = (halves[1:].astype(np.float64) + halves[:-1]) / 2
    for values in (halves, ties, np.nextafter(halves, np.inf), np.nextafter(ties, -np.inf)):
        assert_rounded(values)
    assert_rounded([65519.996, 65520.0, 65536.0, 3e38, np.inf, -65520.0, -np.inf, np.nan, -0.0])


def saved(tmp_path, body, shape=(1, 2, 1, 3)):
    package = tmp_path / "made.mlpackage"
    program = mb.program(input_specs=[mb.TensorSpec(shape=shape)], opset_version=TARGET)(body)
    conversion.save(program, package)
    return package


def test_garbage_is_collected_as_before_once_a_program_is_saved(tmp_path):
    gc.unfreeze()  # of the tests themselves
    try:
        saved(tmp_path, lambda x: mb.relu(x=x))
        assert gc.get_freeze_count() == 0
    finally:
        gc.freeze()


def test_every_operation_rounds_and_sums_do_not(tmp_path):
    """2048 + 1 is no float16; neither sum nor product loses it before the end."""

    def body(x):
        half = mb.cast(x=x, dtype="fp16")
        total = mb.reduce_sum(x=half, axes=[3], keep_dims=True)
        return mb.cast(x=total, dtype="fp32", name="total")

    program = interpreter(saved(tmp_path, body, shape=(1, 1, 1, 3)))
    total = program({"x": np.array([[[[2048.0, 1.0, 1.0]]]], np.float32)})["total"]
    assert total.item() == 2050.0
    total = program({"x": np.array([[[[2048.0, 1.0, 0.0]]]], np.float32)})["total"]
    assert total.item() == 2048.0
    total = program({"x": np.array([[[[60000.0, 60000.0, 0.0]]]], np.float32)})["total"]
    assert np.isinf(total.item())


def test_a_cast_leaves_what_it_reads(tmp_path):
    def body(x):
        half = mb.cast(x=x, dtype="fp16")
        return mb.cast(x=half, dtype="fp32", name="rounded"), mb.relu(x=x, name="whole")

    program = interpreter(saved(tmp_path, body, shape=(1, 1, 1, 1)))
    out = program({"x": np.full((1, 1, 1, 1), 2049.0, np.float32)})
    assert (out["rounded"].item(), out["whole"].item()) == (2048.0, 2049.0)


def test_an_unknown_operation_is_named(tmp_path):
    package = saved(tmp_path, lambda x: mb.sigmoid(x=x, name="squash"))
    with pytest.raises(ExportError, match=r"operation squash \(sigmoid\)"):
        interpreter(package)


@pytest.mark.parametrize(
    "form",
    [
        {"strides": [1, 2]},
        {"pad_type": "same"},
        {"pad_type": "custom", "pad": [0, 0, 0, 1]},
        {"groups": 2},
    ],
)
def test_a_convolution_of_another_kind_is_named(tmp_path, form):
    weight = np.ones((2, 2 // form.get("groups", 1), 1, 2), np.float32)
    package = saved(tmp_path, lambda x: mb.conv(x=x, weight=weight, name="other", **form))
    with pytest.raises(ExportError, match=r"operation other \(conv\)"):
        interpreter(package)


def test_an_operation_of_another_precision_is_named(tmp_path):
    def body(x):
        half = mb.relu(x=mb.cast(x=x, dtype="fp16"))
        whole = mb.relu(x=mb.cast(x=half, dtype="fp32", name="back"), name="stray")
        return mb.cast(x=mb.cast(x=whole, dtype="fp16"), dtype="fp32", name="out")

    function = read_function(saved(tmp_path, body), None)
    with pytest.raises(ExportError, match=r"operation back \(cast\) computes in fp32, not in fp16"):
        require_precision(function, "fp16")


def test_wrong_inputs_are_named(tmp_path):
    program = saved_program(tmp_path, "recurrent", random_model(), 2)
    latent = np.zeros((1, 12, 1, 2), np.float32)
    with pytest.raises(ExportError, match="input action is missing"):
        program({"latent": latent})
    with pytest.raises(ExportError, match=r"input latent is \(1, 12, 1, 3\), wanted"):
        program({"latent": np.zeros((1, 12, 1, 3), np.float32), "action": latent})


def test_inputs_stay_as_they_are_and_outputs_are_new(tmp_path):
    program = saved_program(tmp_path, "recurrent", random_model(), 2)
    inputs = {
        "latent": np.full((1, 12, 1, 2), 0.1, np.float32),
        "action": np.full((1, 4, 1, 2), 0.1, np.float32),
    }
    first = program(inputs)
    kept = {name: array.copy() for name, array in first.items()}
    assert (inputs["latent"] == np.float32(0.1)).all()
    program({name: array * 2 for name, array in inputs.items()})
    for name, array in first.items():
        np.testing.assert_array_equal(array, kept[name])


def test_a_damaged_or_missing_package_is_one_sentence(tmp_path):
    with pytest.raises(ExportError, match=r"none\.mlpackage: cannot read it"):
        interpreter(tmp_path / "none.mlpackage")
    saved_program(tmp_path, "recurrent", random_model(), 2)
    package = tmp_path / "recurrent_b2.mlpackage"
    with pytest.raises(ExportError, match="has no function other; it has"):
        interpreter(package, "other")
    next(package.rglob("model.mlmodel")).write_bytes(b"no program")
    with pytest.raises(ExportError, match="cannot read it"):
        interpreter(package)
