"""The cache of compiled models, with a compiler that copies and a loader that reads."""

import os
import shutil
import sys
from enum import Enum
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mlx_muzero.coreml.device_program import DeviceProgram
from mlx_muzero.errors import ExportError
from mlx_muzero.exports import compiled_cache
from mlx_muzero.exports.compiled_cache import load_compiled


class FakeCoreML:
    """Compiles a package, which is a text file, into a folder."""

    def __init__(self, cache):
        self.cache, self.compiled = cache, 0

    def __call__(self, package, content):
        return load_compiled(package, content, self.compile, self.load, self.cache)

    def compile(self, package, destination):
        self.compiled += 1
        text = package.read_text()
        destination.mkdir()
        if text == "no model":
            raise RuntimeError("cannot compile")
        (destination / "model").write_text(text)

    def load(self, path):
        assert path.suffix == ".mlmodelc"
        text = (path / "model").read_text()
        if text == "unloadable":
            raise RuntimeError("cannot load")
        return text


@pytest.fixture
def core_ml(tmp_path):
    return FakeCoreML(tmp_path / "cache")


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "recurrent.mlpackage"
    path.write_text("model")
    return path


def test_the_same_content_is_compiled_once(core_ml, package, tmp_path):
    assert core_ml(package, "abc") == "model"
    moved = package.rename(tmp_path / "moved.mlpackage")
    assert core_ml(moved, "abc") == "model"
    assert core_ml.compiled == 1
    moved.write_text("other")
    assert core_ml(moved, "def") == "other"
    assert core_ml.compiled == 2


def test_another_macos_compiles_anew(core_ml, package, monkeypatch):
    for release in ("15.1", "15.1", "26.0"):
        monkeypatch.setattr(
            compiled_cache.platform, "mac_ver", lambda release=release: (release, (), "")
        )
        core_ml(package, "abc")
    assert core_ml.compiled == 2


def test_a_damaged_model_is_compiled_again(core_ml, package):
    core_ml(package, "abc")
    (kept,) = core_ml.cache.iterdir()
    (kept / "model").unlink()
    assert core_ml(package, "abc") == "model"
    assert core_ml.compiled == 2


@pytest.mark.parametrize(
    ("text", "message"), [("no model", "cannot compile"), ("unloadable", "cannot load")]
)
def test_what_cannot_be_used_says_so_every_time_and_leaves_nothing_half(
    core_ml, package, text, message
):
    package.write_text(text)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=message):
            core_ml(package, "abc")
    assert [path for path in core_ml.cache.iterdir() if path.suffix != ".mlmodelc"] == []


def test_another_process_may_be_faster(core_ml, package):
    def compile_while_another_does(package, destination):
        core_ml.compile(package, destination)
        shutil.copytree(destination, core_ml.cache / f"abc-macos{mac}.mlmodelc")

    mac = compiled_cache.platform.mac_ver()[0]
    model = load_compiled(package, "abc", compile_while_another_does, core_ml.load, core_ml.cache)
    assert model == "model"
    assert len(list(core_ml.cache.iterdir())) == 1


def test_the_last_used_are_kept(core_ml, package, monkeypatch):
    monkeypatch.setattr(compiled_cache, "KEEP", 2)
    for age, content in enumerate(("a", "b", "a", "c")):
        core_ml(package, content)
        for path in core_ml.cache.glob(f"{content}-*"):
            os.utime(path, (age, age))
    assert sorted(path.name[0] for path in core_ml.cache.iterdir()) == ["a", "c"]


class FakeTools:
    """The part of coremltools that runs programs, as its documentation describes it."""

    class ComputeUnit(Enum):
        CPU_ONLY = "CPU_ONLY"
        CPU_AND_GPU = "CPU_AND_GPU"
        CPU_AND_NE = "CPU_AND_NE"
        ALL = "ALL"

    def __init__(self):
        self.compiled, self.loaded = [], []
        tools = self

        class CompiledMLModel:
            def __init__(self, path, compute_units=tools.ComputeUnit.ALL, function_name=None):
                assert isinstance(path, str)
                assert (Path(path) / "model").exists()
                tools.loaded.append((Path(path), compute_units, function_name))

            def predict(self, inputs):
                return {"doubled": 2.0 * inputs["x"].astype(np.float64)}

        def compile_model(model, destination_path=None):
            assert model.endswith(".mlpackage")
            assert destination_path.endswith(".mlmodelc")
            Path(destination_path).mkdir()
            (Path(destination_path) / "model").touch()
            tools.compiled.append(model)
            return destination_path

        self.models = SimpleNamespace(
            CompiledMLModel=CompiledMLModel, utils=SimpleNamespace(compile_model=compile_model)
        )


def test_a_device_program_is_loaded_compiled(monkeypatch, tmp_path):
    tools = FakeTools()
    monkeypatch.setattr("mlx_muzero.coreml.toolkit.ct", tools)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path))
    package = tmp_path / "programs.mlpackage"
    for _ in range(2):
        program = DeviceProgram(package, "recurrent_b32", "abc", "CPU_AND_NE")
    outputs = program({"x": np.ones((1, 2), np.float32)})
    assert outputs["doubled"].dtype == np.float32
    np.testing.assert_array_equal(outputs["doubled"], [[2.0, 2.0]])
    assert tools.compiled == [str(package)]
    compiled, units, function = tools.loaded[-1]
    assert (units.name, function) == ("CPU_AND_NE", "recurrent_b32")
    assert compiled.parent == tmp_path / "Library" / "Caches" / "mlx_muzero" / "compiled"


def test_a_device_program_needs_a_mac(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(ExportError, match="Core ML runs on macOS only"):
        DeviceProgram(tmp_path / "x.mlpackage", None, "abc", "CPU_ONLY")
