"""What a folder of runs is said to hold where something else was wanted."""

import pytest

from mlx_muzero.errors import RunError
from mlx_muzero.runlog.folder_kinds import MARKS, contents_of, missing, require_room
from mlx_muzero.watch.run import run_kind


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for what, mark in MARKS.items():
        folder = tmp_path / "runs" / f"a {what}"
        folder.mkdir(parents=True)
        (folder / mark).touch()
    return tmp_path / "runs"


@pytest.mark.parametrize("place", ["", "mistyped"])
def test_what_is_wanted_and_near_is_named(runs, place):
    assert str(missing(runs / place, "training run")) == (
        f"{runs / place} holds no run (no config.toml there). There is {runs / 'a training run'}."
    )


def test_both_kinds_are_named_where_both_would_do(runs):
    told = str(missing(runs / "none", "training run", "paper session"))
    assert "no config.toml or paper.toml there" in told
    assert told.endswith(f"There is {runs / 'a paper session'}, {runs / 'a training run'}.")
    assert "There is" not in str(missing(runs / "none" / "below", "training run"))


@pytest.mark.parametrize(
    ("held", "way_on"),
    [
        ("training run", "mlx-muzero status 'runs/a training run'"),
        ("paper session", "mlx-muzero paper status 'runs/a paper session'"),
        ("walk-forward", "'runs/a walk-forward'/window-01"),
        ("sweep", "'runs/a sweep'/trial-001"),
    ],
)
def test_what_is_there_instead_is_told_with_a_command_that_can_be_typed(runs, held, way_on):
    folder = (runs / f"a {held}").relative_to(runs.parent)
    wanted = "paper session" if held == "training run" else "training run"
    assert way_on in str(missing(folder, wanted))
    with pytest.raises(RunError, match=r"Choose another --run"):
        require_room(folder, wanted)


def test_what_watches_a_run_recognises_it_as_what_begins_one(tmp_path):
    kinds = {"training run": "training", "paper session": "paper"}
    for what, mark in MARKS.items():
        folder = tmp_path / what
        folder.mkdir()
        assert run_kind(folder) is None
        (folder / mark).touch()
        assert (contents_of(folder), run_kind(folder)) == (what, kinds.get(what))
    assert run_kind(tmp_path / ("x" * 300)) is None
