"""An export folder: what is in it, and that it is whole, verified and replaced at once or not."""

import json
import os
import shutil
from pathlib import Path

import pytest

from exports import BARE, passed, random_samples, run_config, trading_model
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.coreml import conversion, packages, programs
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.export import export
from mlx_muzero.exports.figures import EngineFigures, Verification
from mlx_muzero.exports.interface import input_shapes, output_shapes
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.output_errors import output_errors
from mlx_muzero.exports.verification import interpreted
from mlx_muzero.exports.weights import digest, sizes_of, weights_of
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.runlog import folders as files
from mlx_muzero.trading.env import observation_features

BATCHES = (1, 3)
CHECKPOINT = "000001-episode-000004"


@pytest.fixture(scope="module")
def model():
    return trading_model(**BARE)


def make(model, folder, verify=passed, weights=None, expansion="all_outcomes", **options):
    return export(
        weights or weights_of(model),
        run_config(model, expansion),
        CHECKPOINT,
        folder,
        verify,
        ExportOptions(**{"batches": BATCHES} | options),
    )


@pytest.fixture(scope="module")
def separate(model, tmp_path_factory):
    """An export of one package for each program."""
    folder = tmp_path_factory.mktemp("separate") / "export"
    make(model, folder)
    return folder


@pytest.fixture(scope="module")
def joined(model, tmp_path_factory):
    """An export of one package for all programs."""
    folder = tmp_path_factory.mktemp("joined") / "export"
    make(model, folder, multifunction=True)
    return folder


@pytest.fixture
def former(tmp_path):
    """A folder where an export goes, with something in it."""
    folder = tmp_path / "run" / "export"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("former")
    return folder


def is_former(folder):
    """Nothing else is there, nor left beside it."""
    assert list(content(folder)) == ["manifest.json"]
    assert (folder / "manifest.json").read_text() == "former"
    return [path.name for path in folder.parent.iterdir()] == ["export"]


def content(folder):
    """Every file's bytes, but for the random names coremltools gives the items of a package."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "Manifest.json"
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expansion", "names"),
    [
        ("all_outcomes", ["initial", "recurrent"]),
        ("single_outcome", ["initial", "afterstate", "dynamics"]),
    ],
)
def test_the_manifest_says_what_there_is(model, tmp_path, expansion, names):
    made = make(model, tmp_path / "export", expansion=expansion)
    found = Manifest.load(tmp_path / "export")
    assert found == made
    found.check_files(tmp_path / "export")
    assert found.checkpoint == CHECKPOINT
    assert found.weights_sha256 == digest(weights_of(model))
    assert found.sizes == sizes_of(model)
    assert found.config == run_config(model, expansion)
    assert (found.features, found.outcomes) == (observation_features(FX_MICRO), OUTCOME_NAMES)
    assert found.versions.keys() == {"coremltools", "mlx", "numpy", "mlx_muzero"}
    assert [(p.name, p.rows) for p in found.programs] == [(n, r) for n in names for r in BATCHES]
    for program in found.programs:
        assert program.package == f"{program.name}_b{program.rows}.mlpackage"
        assert program.function is None
        assert program.inputs == input_shapes(program.name, found.sizes, program.rows)
        assert program.outputs == output_shapes(program.name, found.sizes, program.rows)
        assert program.op_histogram["conv"] > 3
    packages = {program.package for program in found.programs}
    assert {path.name for path in (tmp_path / "export").iterdir()} == packages | {"manifest.json"}


def test_the_figures_are_in_the_manifest(model, tmp_path):
    figures = Verification("fp16", 7, (EngineFigures("sim", None),))
    make(model, tmp_path / "export", lambda _: figures, batches=(1,))
    found = Manifest.load(tmp_path / "export")
    assert found.verification == json.loads(json.dumps(figures.as_dict()))


@pytest.mark.slow
def test_the_same_weights_give_the_same_files(model, separate, tmp_path):
    make(model, tmp_path / "export")
    assert content(tmp_path / "export") == content(separate)


def weight_bytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("weight.bin"))


@pytest.mark.slow
def test_one_package_may_hold_all_programs(model, separate, joined):
    assert {path.name for path in joined.iterdir()} == {"programs.mlpackage", "manifest.json"}
    apart, together = Manifest.load(separate), Manifest.load(joined)
    assert weight_bytes(joined) < 0.6 * weight_bytes(separate)
    for one, entry in zip(apart.programs, together.programs, strict=True):
        assert entry.function == f"{entry.name}_b{entry.rows}"
        assert entry.package == "programs.mlpackage"
        assert (entry.inputs, entry.outputs) == (one.inputs, one.outputs)
        program = {entry.name: {entry.rows: interpreted(joined, entry)}}
        for error in output_errors(program, together.sizes, model, random_samples(model, 4)):
            assert error.worst <= 0.01 * max(1.0, error.largest), error


def test_layer_norm_may_be_spelled_out(model, separate, tmp_path):
    made = make(model, tmp_path / "export", layer_norm="decomposed", batches=(1,))
    assert made.layer_norm == "decomposed"
    assert all("layer_norm" not in program.op_histogram for program in made.programs)
    assert all("layer_norm" in p.op_histogram for p in Manifest.load(separate).programs)


def test_a_verification_sees_the_whole_export_before_anyone_else(model, former):
    def verify(seen):
        assert seen != former
        assert (former / "manifest.json").read_text() == "former"
        Manifest.load(seen).check_files(seen)
        return passed(seen)

    make(model, former, verify, batches=(1,))
    assert Manifest.load(former).checkpoint == CHECKPOINT


def fail(*_, **__):
    raise OSError("no space")


FAILURES = {
    "build": (programs, "build"),
    "convert": (conversion.ct, "convert"),
    "save": (conversion, "save"),
    "join": (conversion, "join"),
    "read back": (packages, "read_function"),
    "manifest": (Manifest, "write"),
    "flush": (files, "flush_tree"),
    "move": (files, "_move"),
}
ONCE = {"join", "flush", "move"}


@pytest.mark.parametrize(
    ("step", "number"),
    [
        pytest.param(step, number, marks=() if number == 1 else pytest.mark.slow)
        for step in FAILURES
        for number in (1, 2)
        if number == 1 or step not in ONCE
    ],
)
def test_a_step_that_fails_leaves_the_former_export(model, former, monkeypatch, step, number):
    owner, name = FAILURES[step]
    real, calls = getattr(owner, name), iter(range(1, 100))

    def at_call(*arguments, **options):
        return (fail if next(calls) == number else real)(*arguments, **options)

    monkeypatch.setattr(owner, name, at_call)
    with pytest.raises(OSError, match="no space"):
        make(model, former, multifunction=step == "join", batches=(1,))
    assert is_former(former)


def test_a_failed_first_export_leaves_nothing(model, tmp_path):
    with pytest.raises(OSError, match="no space"):
        make(model, tmp_path / "run" / "export", fail, batches=(1,))
    assert list((tmp_path / "run").iterdir()) == []


def test_an_export_that_is_not_the_model_is_not_kept(model, former):
    wrong = Verification("fp16", 1, (EngineFigures("sim", None, failure="it is another model"),))
    with pytest.raises(ExportError, match="the export differs from the model: it is another model"):
        make(model, former, lambda _: wrong, batches=(1,))
    assert is_former(former)


def test_a_weight_that_does_not_fit_is_named_before_anything_is_written(model, tmp_path):
    weights = weights_of(model)
    weights["dynamics_network.reward.bias"][0] = 1e5
    folder = tmp_path / "run" / "export"
    with pytest.raises(ExportError, match=r"dynamics_network\.reward\.bias reaches 100000"):
        make(model, folder, weights=weights)
    assert not folder.parent.exists()
    assert make(model, folder, weights=weights, precision="fp32", batches=(1,)).programs


def test_an_operation_of_another_precision_is_refused(model, former, monkeypatch):
    """As it would be if a builder forgot a cast."""
    build = programs.build
    monkeypatch.setattr(
        programs, "build", lambda *arguments: build(*arguments[:4], "fp32", arguments[5])
    )
    with pytest.raises(ExportError, match=r"operation .* computes in fp32, not in fp16"):
        make(model, former, batches=(1,))
    assert is_former(former)


def test_two_exports_at_once_are_refused(model, tmp_path):
    def verify(seen):
        with pytest.raises(ExportError, match=r"another export to .* is in progress"):
            make(model, tmp_path / "export", batches=(1,))
        return passed(seen)

    make(model, tmp_path / "export", verify, batches=(1,))


def change_a_byte(path: Path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


TAMPERING = {
    "weights": (lambda p: change_a_byte(next(p.rglob("weight.bin"))), r"weight\.bin is changed"),
    "program": (lambda p: change_a_byte(next(p.rglob("model.mlmodel"))), "mlmodel is changed"),
    "missing": (lambda p: next(p.rglob("weight.bin")).unlink(), r"weight\.bin is missing"),
    "added": (
        lambda p: (next(p.rglob("weights")) / "other.bin").write_bytes(b""),
        r"other\.bin is not part of this export",
    ),
    "link": (
        lambda p: (next(p.rglob("weights")) / "other.bin").symlink_to(__file__),
        r"other\.bin: it is a symbolic link",
    ),
    "pipe": (
        lambda p: os.mkfifo(next(p.rglob("weights")) / "other.bin"),
        r"other\.bin: it is a pipe",
    ),
    "linked folder": (lambda p: (p.rename(p.parent / "aside"), p.symlink_to("aside")), r"link"),
}


@pytest.mark.parametrize("kind", TAMPERING)
@pytest.mark.parametrize("packages", ["separate", "joined"])
def test_a_changed_file_is_named(request, tmp_path, kind, packages):
    folder = tmp_path / "export"
    shutil.copytree(request.getfixturevalue(packages), folder)
    made = Manifest.load(folder)
    made.check_files(folder)
    change, message = TAMPERING[kind]
    change(folder / made.programs[1].package)
    with pytest.raises(ExportError, match=message):
        made.check_files(folder)


ENTRY = {
    "name": "initial", "rows": 1, "package": "initial_b1.mlpackage", "function": None,
    "sha256": {}, "inputs": {}, "outputs": {}, "op_histogram": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "export format 99"),
        ({"programs": [ENTRY | {"name": "other"}]}, "'other' is unknown"),
        ({"programs": [{"name": "initial"}]}, "an object with function, inputs"),
        *(
            ({"programs": [ENTRY | {"package": package}]}, "package: a file name")
            for package in ("..", "../secrets", "/etc", "", "a/b", "\x1b]0;x\x07")
        ),
        ({"programs": [ENTRY | {"package": 5}]}, "package: a text"),
        ({"programs": [ENTRY | {"rows": 10**40}]}, "rows: a count"),
        ({"programs": [ENTRY | {"sha256": [1]}]}, "sha256: an object"),
        ({"programs": [ENTRY | {"inputs": {"a": [float("nan")]}}]}, "inputs: a count"),
        ({"checkpoint": "../../other/checkpoints/000001"}, "checkpoint: a file name"),
        ({"features": "abc"}, "features: a list"),
        ({"verification": json.loads("[" * 50 + "]" * 50)}, "verification"),
        ({"programs": None}, "cannot read it"),
        ({"precision": "fp8"}, "precision: one of fp16, fp32; 'fp8' is unknown"),
        ({"config": {"search": {"expansion": "none"}}}, r"search\.expansion"),
        ({"more": 1}, "cannot read it"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(separate, tmp_path, change, message):
    values = json.loads((separate / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(values | change))
    with pytest.raises(ExportError, match=message):
        Manifest.load(tmp_path)


def test_a_folder_without_an_export_says_how_to_make_one(tmp_path):
    with pytest.raises(ExportError, match=r"holds no export .* mlx-muzero export"):
        Manifest.load(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(ExportError, match="cannot read it"):
        Manifest.load(tmp_path)
