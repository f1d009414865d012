"""Files of the cache: whole or absent, whoever writes at once, and nothing is left of kills."""

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlx_muzero.files import cached
from mlx_muzero.files.cached import keep_json


class Killed(BaseException):
    """Stands for SIGKILL: nobody tidies up."""


def test_what_a_kill_left_goes_with_the_next_write_in_the_folder(tmp_path, monkeypatch):
    one, other = tmp_path / "cache" / "one.json", tmp_path / "cache" / "other.json"
    keep_json(one, {"of": "before"})

    def killed_in_the_middle(path, text):
        cached.partial_of(path).write_text(text[:5])
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(cached, "write_text", killed_in_the_middle)
        with pytest.raises(Killed):
            keep_json(one, {"of": "the killed"})
    assert json.loads(one.read_text()) == {"of": "before"}
    assert len(list(one.parent.iterdir())) == 2
    keep_json(other, {"of": "after"})
    assert sorted(one.parent.iterdir()) == [one, other]


def test_writers_at_once_leave_one_whole_file(tmp_path):
    path = tmp_path / "one.json"

    def write(number):
        keep_json(path, {"of": [number] * 1000})
        return {*json.loads(path.read_text())["of"]}

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(write, range(40)))
    assert all(len(numbers) == 1 for numbers in seen)
    assert list(tmp_path.iterdir()) == [path]


def test_what_does_not_fit_names_its_file(tmp_path, monkeypatch):
    path = tmp_path / "one.json"

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"one\.json"):
            keep_json(path, {})
    assert not path.exists()
    keep_json(path, {})
    assert list(tmp_path.iterdir()) == [path]
