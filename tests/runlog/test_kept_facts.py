"""Small JSON files of a run: what is wrong with one is said with its name."""

import pytest

from mlx_muzero.runlog.kept_facts import DamagedFile, kept_facts
from mlx_muzero.untrusted.shapes import count, record

SHAPE = record({"starts": count})


def test_what_fits_is_read(tmp_path):
    (tmp_path / "kept.json").write_text('{"starts": 3}')
    assert kept_facts(tmp_path / "kept.json", SHAPE, 100) == {"starts": 3}


def test_a_missing_file_is_no_damage(tmp_path):
    with pytest.raises(FileNotFoundError):
        kept_facts(tmp_path / "kept.json", SHAPE, 100)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "wanted JSON"),
        (b"{", "wanted JSON"),
        (b"\xff", "wanted JSON"),
        (b'{"starts": -1}', "wanted "),
        (b" " * 101, "it is larger than 100 bytes"),
    ],
)
def test_damage_is_told_with_the_files_name(tmp_path, content, wrong):
    path = tmp_path / "kept.json"
    path.write_bytes(content)
    with pytest.raises(DamagedFile) as told:
        kept_facts(path, SHAPE, 100)
    assert str(told.value).startswith(f"{path}: {wrong}")


def test_links_are_not_followed(tmp_path):
    (tmp_path / "kept.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DamagedFile, match="symbolic link"):
        kept_facts(tmp_path / "kept.json", SHAPE, 100)
