"""What all folders of runs/ do alike: marked last, written durably, held by one process."""

import os

import pytest

from mlx_muzero.errors import RunError
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.runlog import run_folder
from mlx_muzero.runlog.folder_kinds import contents_of
from mlx_muzero.training.run import RunFolder
from mlx_muzero.training.walk_forward_folder import WalkForwardFolder

pytestmark = pytest.mark.parametrize("kind", [RunFolder, PaperFolder, WalkForwardFolder])


def test_a_folder_is_what_its_mark_says(tmp_path, kind):
    folder = kind(tmp_path / "it")
    assert not folder.exists
    folder.require_new()
    folder.path.mkdir()
    folder.mark("x = 1\n")
    assert folder.exists
    assert contents_of(folder.path) == kind.contents
    with pytest.raises(RunError, match=r"already holds a .*--resume"):
        folder.require_new()
    for other in {RunFolder, PaperFolder, WalkForwardFolder} - {kind}:
        with pytest.raises(RunError, match=f"holds a {kind.contents}"):
            other(folder.path).require_new()
        with pytest.raises(RunError, match=f"holds a {kind.contents}"), other(folder.path).held():
            pass


def test_its_mark_survives_a_loss_of_power(tmp_path, kind, monkeypatch):
    """The entry in the folder is flushed too, after the file has its name."""
    flushed = []
    monkeypatch.setattr(run_folder, "flush", lambda path: flushed.append((path, folder.exists)))
    folder = kind(tmp_path)
    folder.mark("x = 1\n")
    assert flushed == [(tmp_path, True)]


def test_one_process_holds_it(tmp_path, kind):
    """A lock belongs to the file as it was opened: to open it again is to be another."""
    folder = kind(tmp_path / "it")
    assert folder.holder() is None
    with folder.held():
        assert folder.holder() == os.getpid()
        with pytest.raises(RunError) as refused, kind(folder.path).held():
            pass
    assert str(refused.value) == (
        f"{folder.path} is being {kind.doing} by process {os.getpid()}. Stop that process first, "
        "or choose another --run."
    )
    assert folder.holder() is None
