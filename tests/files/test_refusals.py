"""A refusal by the system names the path and a way on; other errors pass through."""

import errno
import os
from pathlib import Path

import pytest

from mlx_muzero.errors import StorageError
from mlx_muzero.files.refusals import as_storage_error, explained, named
from mlx_muzero.runlog.folders import append_line

FULL = Path("/dev/full")


def refused(tmp_path):
    """A path of every kind that is refused to anybody, and how."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return {
        "no such file": lambda: (tmp_path / "none").read_text(),
        "part of the path is a file": lambda: (tmp_path / "file" / "below").mkdir(),
        "it is a folder": lambda: tmp_path.read_text(),
        "something else has that name": lambda: (tmp_path / "file").mkdir(),
        "the name is too long": lambda: (tmp_path / ("x" * 300)).mkdir(),
        "its symbolic links form a loop": lambda: (tmp_path / "loop").read_text(),
    }


def test_every_refusal_has_path_reason_and_way_on(tmp_path):
    for reason, act in refused(tmp_path).items():
        with pytest.raises(StorageError) as failure, explained("import again."):
            act()
        message = str(failure.value)
        assert message.startswith(str(tmp_path))
        assert f": {reason}" in message
        assert message.endswith(", then import again.")


def test_a_full_disk_names_the_file_that_did_not_fit(tmp_path, monkeypatch):
    def write(_descriptor, _data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", write)
    journal = tmp_path / "journal.jsonl"
    full = rf"^{journal}: the disk is full\. Make room there, then go on\.$"
    with pytest.raises(StorageError, match=full), explained("go on."):
        append_line(journal, b"x")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_an_error_of_a_write_gets_its_name():
    with FULL.open("wb", 0) as file, pytest.raises(OSError, match="/dev/full"), named(FULL):
        file.write(b"x")


def test_a_name_that_is_known_is_kept(tmp_path):
    with pytest.raises(FileNotFoundError) as error, named(Path("other")):
        (tmp_path / "none").read_text()
    assert error.value.filename == str(tmp_path / "none")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)),
        TimeoutError("timed out"),
        OSError("a library's own"),
    ],
)
def test_what_is_about_no_file_is_no_users_mistake(error):
    assert as_storage_error(error) is None
    with pytest.raises(type(error)) as raised, explained("go on."):
        raise error
    assert raised.value is error


def test_a_number_nobody_explained_has_the_systems_words():
    words = os.strerror(errno.ETXTBSY)
    error = OSError(errno.ETXTBSY, words, b"some\xff")
    assert str(as_storage_error(error)).startswith(f"some\N{REPLACEMENT CHARACTER}: {words}.")
