"""Exports made in the background: which of them are kept, and what is left after kills."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import model_exports
from exports import run_config, trading_model
from mlx_muzero.agent.make import make_agent
from mlx_muzero.experiment.background_exports import background_export, measuring_lock, prune
from mlx_muzero.exports.deployment import Deployment
from mlx_muzero.exports.in_use import InUse
from mlx_muzero.exports.manifest import Manifest, is_export
from mlx_muzero.runlog.lock import locked
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.run import RunFolder
from model_exports import LOADER, PATIENT, export_model

HELPERS = Path(model_exports.__file__).parent
NOW, BEFORE = "000002-episode-000008", "000001-episode-000004"


@pytest.fixture(scope="module")
def model():
    return trading_model()


@pytest.fixture
def run(tmp_path, model):
    """A run with the checkpoint `NOW`, and exports of it and of `BEFORE`, which is gone."""
    run = RunFolder(tmp_path / "run")
    (run.checkpoints.folder / NOW).mkdir(parents=True)
    for weights, checkpoint in (("a" * 64, BEFORE), ("b" * 64, NOW)):
        folder = export_model(background_export(run, weights, "coreml"), run_config(model), model)
        replace(Manifest.load(folder), checkpoint=checkpoint).write(folder)
    return run


def names(run):
    return sorted(path.name for path in run.background_exports_path.iterdir())


def test_exports_are_kept_as_long_as_their_checkpoint(run):
    told = []
    prune(run, told.append)
    assert names(run) == ["b" * 16]
    (line,) = told
    assert f"{'a' * 16}: exports in the background of checkpoint {BEFORE}, which the" in line
    prune(run, told.append)
    assert len(told) == 1


def test_what_is_unfinished_goes_too(run):
    (run.background_exports_path / ("c" * 16) / "coreai.partial").mkdir(parents=True)
    told = []
    prune(run, told.append)
    assert names(run) == ["b" * 16]
    assert "never finished" in told[1]


def test_an_export_that_is_played_stays_until_its_process_ends(run, model, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HELPERS))
    folder, config = background_export(run, "a" * 64, "coreml"), run_config(model)
    search = replace(config.search, backend="coreml-sim")
    deployment = Deployment({"coreml": folder}, limits=PATIENT, loader=LOADER)
    agent = make_agent(model, search, TradingRules.from_config(config), deployment)
    told = []
    prune(run, told.append)
    assert is_export(folder)
    assert not told
    del agent
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    prune(run, told.append)
    assert is_export(folder)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    prune(run, told.append)
    assert names(run) == ["b" * 16]


HOLDS = """
import sys
import time
from pathlib import Path
from mlx_muzero.exports.in_use import InUse
held = InUse(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_nothing_is_in_use_where_there_is_no_export(tmp_path):
    assert InUse(tmp_path / "none").folder == tmp_path / "none"


def test_nothing_is_removed_while_one_is_made_or_measured(run):
    with locked(measuring_lock(run)):
        prune(run, pytest.fail)
    assert names(run) == ["a" * 16, "b" * 16]


def test_links_and_what_is_not_ours_stay(run, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (run.background_exports_path / ("d" * 16)).symlink_to(elsewhere)
    (run.background_exports_path / "notes").mkdir()
    prune(run, lambda _text: None)
    assert names(run) == ["b" * 16, "d" * 16, "notes"]


def test_a_linked_folder_is_refused_with_a_word(run, tmp_path):
    folder = run.background_exports_path
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    told = []
    prune(run, told.append)
    assert names(run) == ["a" * 16, "b" * 16]
    assert "symbolic link" in told[0]


DIES = """
import os, signal, sys
from pathlib import Path
from mlx_muzero.experiment.background_exports import prune
from mlx_muzero.training.run import RunFolder

def die_at(event, arguments):
    if event == sys.argv[2] and ("a" * 16) in str(arguments[0]):
        os.kill(os.getpid(), signal.SIGKILL)

run = RunFolder(Path(sys.argv[1]))
sys.addaudithook(die_at)
prune(run, print)
"""


@pytest.mark.slow
@pytest.mark.parametrize("event", ["os.rename", "shutil.rmtree", "os.rmdir"])
def test_a_kill_leaves_a_whole_export_or_none(run, event):
    died = subprocess.run([sys.executable, "-c", DIES, str(run.path), event], check=False)
    assert died.returncode == -signal.SIGKILL
    folder = background_export(run, "a" * 64, "coreml")
    assert folder.parent.exists() == (event == "os.rename")
    if folder.parent.exists():
        assert (folder / "weights.safetensors").exists()
        assert is_export(folder)
    prune(run, lambda _text: None)
    assert names(run) == ["b" * 16]
