"""A run's networks exported to Core ML from Python."""

import shutil

import pytest

import mlx_muzero as mm
from mlx_muzero.exports.manifest import Manifest

pytestmark = pytest.mark.filterwarnings("ignore::mlx_muzero.api.notes.MuZeroWarning")


@pytest.fixture(scope="module")
def exported(trained_once, tmp_path_factory):
    pytest.importorskip("coremltools")
    run = tmp_path_factory.mktemp("runs") / "run"
    shutil.copytree(trained_once, run)
    return mm.load_run(run), mm.export_run(run, batches=(1,), precision="fp32")


@pytest.mark.slow
def test_an_export_lies_in_its_run_and_is_verified(exported):
    run, result = exported
    assert result.folder == run.folder.export_paths["coreml"]
    assert result.manifest == Manifest.load(result.folder)
    assert result.manifest.checkpoint == run.checkpoint
    assert {program.rows for program in result.manifest.programs} == {1}
    assert result.verification.failure() is None
    assert {engine.engine for engine in result.verification.engines} >= {"sim"}


@pytest.mark.slow
def test_the_loaded_run_plays_its_export(exported):
    run, _ = exported
    played = mm.load_run(run.folder.path, backend="coreml-sim")
    by_export, own = (
        mm.evaluate(each, sessions=1, simulations=2).metrics["agent (search)"]
        for each in (played, run)
    )
    assert by_export.action_frac == own.action_frac
