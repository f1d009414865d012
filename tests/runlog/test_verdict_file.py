"""The verdict kept in a run's folder: what is told of it, and of a damaged one."""

import pytest

from mlx_muzero.runlog.verdict_file import FILE, VerdictFile

KEPT = VerdictFile("too short", ("one", "two"), "TEST, test split", "2026-01-02T03:04:05+00:00")


def test_it_is_told_in_one_line(tmp_path):
    assert VerdictFile.told(tmp_path) is None
    assert KEPT.save(tmp_path) is None
    assert VerdictFile.load(tmp_path) == KEPT
    line = "Verdict: too short. one; two. (TEST, test split, 2026-01-02T03:04 UTC)"
    assert VerdictFile.told(tmp_path) == line


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("nonsense", "JSON"),
        ("[]", "an object"),
        ('{"call": "genius", "reasons": [], "about": "", "time": ""}', "call: one of skill"),
        ('{"call": "skill", "reasons": ["", "", ""], "about": "", "time": ""}', "reasons: a list"),
    ],
)
def test_a_damaged_one_is_refused_with_a_word(tmp_path, text, wanted):
    (tmp_path / FILE).write_text(text)
    assert f"{tmp_path / FILE}: wanted {wanted}" in VerdictFile.told(tmp_path)


def test_where_it_cannot_be_written_that_is_told(tmp_path):
    assert str(tmp_path / "gone" / FILE) in KEPT.save(tmp_path / "gone")
