"""The cache of compiled models, with a compiler that copies and a loader that reads."""

import os
import shutil

import pytest

from mlx_muzero.coreml import compiled_cache
from mlx_muzero.coreml.compiled_cache import load_compiled


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
