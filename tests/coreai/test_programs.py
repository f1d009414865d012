"""The saved assets compute what the MLX model computes, as read back and run in NumPy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from exports import random_model, random_samples
from factored_models import TOLD, assert_plays_alike
from factored_models import random_model as random_factored
from mlx_muzero.backends.mlx_market import MlxMarket
from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.figures import BOUNDS
from mlx_muzero.exports.interface import MARKET_PROGRAMS, input_shapes, output_shapes
from mlx_muzero.exports.market_networks import read_market_networks
from mlx_muzero.exports.networks import read_networks
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.output_errors import output_errors
from mlx_muzero.exports.program_market import ProgramMarket
from mlx_muzero.exports.samples import random_samples as market_samples
from mlx_muzero.exports.weights import sizes_of, weights_of
from network_shapes import ENCODER_SIZES, ENCODERS, PROGRAMS, SHAPES

OPERATIONS = {"add", "cast", "concat", "conv2d", "mul", "pad", "reduce_sum", "relu", "reshape"}
OPERATIONS |= {"slice", "softmax", "sub", "transpose"}
LAYER_NORM = {"op": {"layer_norm"}, "decomposed": {"reduce_mean", "rsqrt"}}


def saved(folder, model, names=PROGRAMS, rows=(3,), precision="fp16", read=None, **options):
    """Functions of a saved asset of `model`, read back."""
    from mlx_muzero.coreai.assets import read_functions
    from mlx_muzero.coreai.programs import save

    sizes = sizes_of(model)
    networks = (read or read_networks)(weights_of(model), sizes, precision)
    functions = [(f"{name}_b{count}", name, count) for name in names for count in rows]
    asset = folder / "made.aimodel"
    how = ExportOptions(precision=precision, **options)
    save(asset, functions, networks, sizes, how)
    return read_functions(asset)


def programs(functions):
    from mlx_muzero.coreai.interpreting import interpreter

    found = {}
    for key, function in functions.items():
        name, _, rows = key.partition("_b")
        found.setdefault(name, {})[int(rows)] = interpreter(key, function)
    return found


def worst(functions, model, samples):
    """The worst error of any output, over its largest value or 1."""
    errors = output_errors(programs(functions), sizes_of(model), model, samples)
    return max(error.worst / max(1.0, error.largest) for error in errors)


@examples(6)
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
    model = random_model(**shape)
    folder = tmp_path_factory.mktemp("asset")
    functions = saved(folder, model, (name,), (rows,), precision, layer_norm=layer_norm)
    assert worst(functions, model, random_samples(model, rows + 2)) <= BOUNDS[precision].output


@pytest.mark.parametrize("layer_norm", ["op", "decomposed"])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_is_its_saved_program(tmp_path, encoder, layer_norm):
    from mlx_muzero.coreai.functions import require_precision

    model = random_model(encoder=encoder, window_bars=9, **ENCODER_SIZES)
    functions = saved(tmp_path, model, ("initial",), (5,), layer_norm=layer_norm)
    assert worst(functions, model, random_samples(model, 7)) <= BOUNDS["fp16"].output
    (function,) = functions.values()
    allowed = OPERATIONS | LAYER_NORM[layer_norm]
    assert set(function.histogram()) <= allowed | (
        {"batch_matmul"} if encoder == "transformer" else set()
    )
    require_precision(function, "fp16")
    with pytest.raises(ExportError, match=r"computes in f16, not in fp32"):
        require_precision(function, "fp32")


def test_a_function_has_the_tensors_of_the_interface(tmp_path):
    model = random_model()
    sizes = sizes_of(model)
    for key, function in saved(tmp_path, model, rows=(1, 4)).items():
        name, _, rows = key.partition("_b")
        assert function.inputs == input_shapes(name, sizes, int(rows))
        outputs = {output: shape for output, (shape, _) in function.outputs.items()}
        assert outputs == output_shapes(name, sizes, int(rows))


@pytest.mark.parametrize(("precision", "bound"), [("fp16", 5e-3), ("fp32", 1e-5)])
def test_a_factored_models_programs_are_saved_too(tmp_path, precision, bound):
    model = random_factored(ModelConfig(kind="factored", latent_width=16, members=3))
    functions = saved(tmp_path, model, MARKET_PROGRAMS, (4,), precision, read=read_market_networks)
    assert "layer_norm" not in functions["step_b4"].histogram()
    assert worst(functions, model, market_samples(model, 7)) <= bound


@pytest.mark.parametrize("known", TOLD)
def test_so_are_those_of_a_model_that_is_told_something(tmp_path, known):
    model = random_factored(known=known)
    functions = saved(tmp_path, model, MARKET_PROGRAMS, (4,), "fp32", read=read_market_networks)
    for key, function in functions.items():
        assert function.inputs == input_shapes(key.partition("_b")[0], sizes_of(model), 4)
    assert worst(functions, model, market_samples(model, 7)) <= 1e-5
    assert_plays_alike(ProgramMarket(programs(functions), model), MlxMarket(model), known, 1e-4)


def test_a_digest_tells_weights_and_structure_and_nothing_else(tmp_path):
    """Not names or lines of source code, which make two files of one program differ."""
    digests, files = [], []
    for number, changes in enumerate(({}, {}, {"seed": 1}, {"dynamics_blocks": 2})):
        (tmp_path / str(number)).mkdir()
        functions = saved(tmp_path / str(number), random_model(**changes), ("recurrent",))
        digests.append(functions["recurrent_b3"].digest())
        files.append((tmp_path / str(number) / "made.aimodel" / "main.mlirb").read_bytes())
    assert digests[0] == digests[1]
    assert len({*digests}) == 3


def test_an_unknown_operation_is_named():
    from mlx_muzero.coreai.functions import Function, Operation
    from mlx_muzero.coreai.interpreting import interpreter

    squash = Operation("sigmoid", ("x",), "t0", (1, 1, 1, 1), "f16")
    function = Function({"x": (1, 1, 1, 1)}, {"y": ((1, 1, 1, 1), "t0")}, (squash,), {})
    with pytest.raises(ExportError, match=r"cannot run operation t0 \(sigmoid\)"):
        interpreter("made", function)


@pytest.mark.slow
def test_what_is_no_asset_is_one_sentence(tmp_path):
    from mlx_muzero.coreai.reading import read_apart

    with pytest.raises(ExportError, match=r"none\.aimodel: cannot read it \(.*No such file"):
        read_apart(tmp_path / "none.aimodel")
    (tmp_path / "none.aimodel").mkdir()
    (tmp_path / "none.aimodel" / "main.mlirb").write_bytes(b"no program")
    with pytest.raises(ExportError, match=r"none\.aimodel: cannot read it"):
        read_apart(tmp_path / "none.aimodel")


def test_int8_weights_take_half_and_their_error_is_seen(tmp_path):
    model = random_model(latent_width=64, dynamics_blocks=2)
    sizes, errors = [], []
    for weights in ("float", "int8"):
        (tmp_path / weights).mkdir()
        functions = saved(tmp_path / weights, model, rows=(8,), weights=weights)
        errors.append(worst(functions, model, random_samples(model, 8)))
        sizes.append((tmp_path / weights / "made.aimodel" / "main.mlirb").stat().st_size)
    assert functions["recurrent_b8"].histogram()["blockwise_shift_scale"] > 10
    assert sizes[1] < 0.75 * sizes[0]
    assert 2 * errors[0] < errors[1] < 0.2
