"""Apple's runtime: in a child process, with flat memory, and an asset lowered once."""

import os
from pathlib import Path

import numpy as np
import pytest

from mlx_muzero.errors import ExportError
from mlx_muzero.exports import compiled_cache
from mlx_muzero.exports.child import Child, ChildLost
from mlx_muzero.exports.devices import devices
from mlx_muzero.exports.figures import BOUNDS
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.output_errors import output_errors
from mlx_muzero.exports.program import program_set
from mlx_muzero.exports.samples import random_samples
from mlx_muzero.exports.verification import interpreted
from mlx_muzero.exports.weights import sizes_of


@pytest.fixture(scope="module")
def child(exported, tmp_path_factory):
    """A child with all programs, whose cache is empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        found = Child(exported, Manifest.load(exported).programs, "coreai", "cpu_only")
        yield found
        found.end()


def entry_of(exported, key):
    return next(entry for entry in Manifest.load(exported).programs if entry.key == key)


def inputs_of(entry, seed=0):
    random = np.random.default_rng(seed)
    return {n: random.normal(size=s).astype(np.float32) for n, s in entry.inputs.items()}


def test_apples_runtime_computes_what_the_model_does(child, exported, model):
    programs = program_set(child.call, Manifest.load(exported).programs)
    for error in output_errors(programs, sizes_of(model), model, random_samples(model, 9)):
        assert error.worst <= BOUNDS["fp16"].output * max(1.0, error.largest), error


@pytest.mark.slow
def test_the_interpreter_is_a_second_witness(child, exported):
    """Read from the same file; only rounding differs."""
    for key in ("initial_b6", "recurrent_b6"):
        entry = entry_of(exported, key)
        inputs = inputs_of(entry)
        run = child.call(key, inputs)
        for name, wanted in interpreted(exported, entry)(inputs).items():
            np.testing.assert_allclose(run[name], wanted, atol=0.03, err_msg=name)


def test_a_row_has_the_same_bits_alone_and_among_others(child, exported):
    inputs = inputs_of(entry_of(exported, "afterstate_b6"))
    together = child.call("afterstate_b6", inputs)
    for row in range(6):
        one = {n: np.ascontiguousarray(a[..., row : row + 1]) for n, a in inputs.items()}
        for name, alone in child.call("afterstate_b1", one).items():
            np.testing.assert_array_equal(alone[..., 0], together[name][..., row], err_msg=name)


def resident_kb(pid):
    return (
        int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    )


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_memory_is_flat_over_20_000_calls(child, exported):
    """Outputs are states, which the caller owns: an output that is returned stays for good."""
    inputs = inputs_of(entry_of(exported, "recurrent_b1"))
    for _ in range(200):
        child.call("recurrent_b1", inputs)
    before = resident_kb(child.pid)
    for _ in range(20_000):
        child.call("recurrent_b1", inputs)
    assert resident_kb(child.pid) < 1.05 * before


@pytest.mark.slow
def test_an_asset_is_lowered_once_and_what_a_killed_child_left_is_cleared(exported, monkeypatch):
    cache = compiled_cache.default_folder()
    cache.mkdir(parents=True)
    (cache / ".compiling-999999999-abc").mkdir()  # no process has such a number
    for _ in range(2):
        Child(exported, [entry_of(exported, "recurrent_b1")], "coreai", "cpu_only").end()
    (lowered,) = cache.iterdir()
    assert lowered.suffix == ".aimodelx"


def test_a_unit_that_is_not_here_is_refused_in_a_sentence(exported):
    if "gpu" in devices("coreai").units:
        pytest.skip("this Mac has them")
    with pytest.raises(ChildLost, match=r"on neural_engine needs macOS 27; .* backend coreai-cpu"):
        Child(exported, [entry_of(exported, "recurrent_b1")], "coreai", "neural_engine")


def test_a_wrong_shape_never_reaches_the_runtime(child, exported):
    inputs = inputs_of(entry_of(exported, "recurrent_b1"))
    with pytest.raises(ExportError, match="input latent is"):
        child.call("recurrent_b1", inputs | {"latent": inputs["latent"][:, :3]})
