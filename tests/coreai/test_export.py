"""An export for Core AI: one asset, its manifest, and what is refused before anything is loaded."""

import json
import shutil

import numpy as np
import pytest

from exports import passed, run_config
from mlx_muzero.coreai import producer
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.export import export
from mlx_muzero.exports.interface import input_shapes, output_shapes
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.played_export import current_manifest
from mlx_muzero.exports.verification import interpreted
from mlx_muzero.exports.weights import weights_of


@pytest.fixture
def copied(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "export")
    return tmp_path / "export"


def test_one_asset_has_every_program_of_both_modes_for_every_number_of_rows(exported):
    found = Manifest.load(exported)
    found.check_files(exported)
    assert (found.export_format, found.versions["coreai-core"]) == ("coreai", producer.PRODUCER)
    names = ("initial", "recurrent", "afterstate", "dynamics")
    assert [p.key for p in found.programs] == [f"{n}_b{rows}" for n in names for rows in (1, 6)]
    assert {path.name for path in exported.iterdir()} == {"manifest.json", "programs.aimodel"}
    for program in found.programs:
        assert (program.package, program.function) == ("programs.aimodel", program.key)
        assert program.inputs == input_shapes(program.name, found.sizes, program.rows)
        assert program.outputs == output_shapes(program.name, found.sizes, program.rows)
        assert list(program.sha256) == ["main.mlirb"]
        assert program.op_histogram["layer_norm"] > 1
    assert len({program.structure_sha256 for program in found.programs}) == len(found.programs)


def test_constants_are_stored_once(exported, model):
    """The programs' weights, for every number of rows and in both modes, take little more."""
    halves = 2 * sum(array.size for array in weights_of(model).values())
    assert (exported / "programs.aimodel" / "main.mlirb").stat().st_size < 5 * halves + 100_000


def test_a_changed_asset_is_named(copied):
    asset = copied / "programs.aimodel" / "main.mlirb"
    data = bytearray(asset.read_bytes())
    data[len(data) // 2] ^= 1
    asset.write_bytes(data)
    with pytest.raises(ExportError, match=r"main\.mlirb is changed since it was exported"):
        Manifest.load(copied).check_files(copied)


def test_what_surrounds_a_program_is_no_part_of_it(copied):
    """The library writes the time into a file beside the program."""
    (copied / "programs.aimodel" / "metadata.json").write_text("{}")
    Manifest.load(copied).check_files(copied)


def of_another_version(folder):
    values = json.loads((folder / "manifest.json").read_text())
    values["versions"]["coreai-core"] = "1.0.0b2"
    (folder / "manifest.json").write_text(json.dumps(values))


def test_an_asset_of_another_version_is_refused_before_it_is_loaded(copied, model):
    of_another_version(copied)
    words = r"made by coreai-core 1\.0\.0b2.*Export again"
    with pytest.raises(ExportError, match=words):
        current_manifest(model, copied, "coreai")
    with pytest.raises(ExportError, match=words):
        interpreted(copied, Manifest.load(copied).programs[0])


@pytest.mark.parametrize("installed", ["1.0.0b4", None])
def test_another_version_of_the_package_or_none_names_the_remedy(
    installed, model, tmp_path, monkeypatch
):
    def version(name):
        if installed is None:
            raise producer.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(producer, "version", version)
    with pytest.raises(ExportError, match=r"pip install 'mlx-muzero\[coreai\]'"):
        made(model, tmp_path / "export")
    assert not (tmp_path / "export").exists()


def made(model, folder, weights=None):
    return export(
        weights or weights_of(model),
        run_config(model),
        "made",
        folder,
        passed,
        ExportOptions((1,)),
        export_format="coreai",
    )


def test_a_weight_that_does_not_fit_is_named(model, tmp_path):
    weights = weights_of(model)
    weights["dynamics_network.reward.bias"] = np.array([1e5], np.float32)
    with pytest.raises(ExportError, match=r"dynamics_network\.reward\.bias reaches 100000"):
        made(model, tmp_path / "export", weights)


def test_an_export_for_another_framework_is_not_played(exported, model):
    with pytest.raises(ExportError, match=r"an export for Core AI, not for Core ML"):
        current_manifest(model, exported, "coreml")
