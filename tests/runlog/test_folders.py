"""A folder is replaced whole or not at all."""

from pathlib import Path

import pytest

from mlx_muzero.runlog import folders as files
from mlx_muzero.runlog.folders import replaced


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "old").write_text("old")
    return folder


def fill(target, then=lambda: None):
    with replaced(target) as folder:
        (folder / "new").write_text("new")
        then()


def failing(error):
    def fail(*_):
        raise error

    return fail


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_takes_the_place_of_an_old_one(target):
    fill(target)
    assert names(target) == ["new"]
    assert names(target.parent) == ["made"]


def test_a_folder_is_made_where_there_was_none(tmp_path):
    fill(tmp_path / "a" / "made")
    assert names(tmp_path / "a") == ["made"]
    assert names(tmp_path / "a" / "made") == ["new"]


def test_nothing_is_seen_before_the_end(target):
    with replaced(target) as folder:
        (folder / "new").write_text("new")
        assert names(target) == ["old"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_fails_in_the_block_leaves_no_trace(target, error):
    with pytest.raises(error):
        fill(target, failing(error))
    assert names(target) == ["old"]
    assert names(target.parent) == ["made"]


@pytest.mark.parametrize("step", ["flush_tree", "flush"])
def test_what_cannot_be_made_durable_is_not_moved(target, monkeypatch, step):
    monkeypatch.setattr(files, step, failing(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        fill(target)
    assert names(target) == ["old"]
    assert names(target.parent) == ["made"]


@pytest.mark.parametrize("number", [1, 2])
def test_a_move_that_fails_is_undone(target, monkeypatch, number):
    real, calls = Path.rename, iter(range(1, 10))
    fail = failing(OSError("disk"))
    monkeypatch.setattr(Path, "rename", lambda *a: (fail if next(calls) == number else real)(*a))
    with pytest.raises(OSError, match="disk"):
        fill(target)
    assert names(target) == ["old"]
    assert names(target.parent) == ["made"]


def test_what_a_killed_process_left_is_put_right(target):
    """Killed between the two renames: only the old folder's other name is there."""
    previous, partial = target.with_name("made.previous"), target.with_name("made.partial")
    target.rename(previous)
    partial.mkdir()
    (partial / "half").write_text("")
    with pytest.raises(RuntimeError):
        fill(target, failing(RuntimeError))
    assert names(target) == ["old"]
    assert names(target.parent) == ["made"]
    previous.mkdir()  # killed right after them: the new folder is in place
    partial.mkdir()
    (partial / "half").write_text("")
    fill(target)
    assert names(target) == ["new"]
    assert names(target.parent) == ["made"]


def test_one_folder_is_not_replaced_twice_at_once(target):
    with replaced(target) as folder:
        with pytest.raises(BlockingIOError):
            fill(target)
        (folder / "first").write_text("")
    assert names(target) == ["first"]
