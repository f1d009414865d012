"""What a soak says of `paper parity`, whatever that answers."""

import json
from subprocess import CompletedProcess

import pytest

from soaking.parity import Checked

FOUND = {"decisions": {"recorded": 1200}, "fills": {"recorded": 34}}


def told(code, out, err=""):
    text = out if isinstance(out, str) else json.dumps(out)
    return Checked.told(CompletedProcess([], code, text, err))


def test_what_was_compared_is_told():
    exact = Checked(True, "parity exact over 1,200 decisions and 34 fills")
    assert told(0, {"exact": True, **FOUND}) == exact
    error = {"error": {"message": "runs/paper: one fill differs"}}
    assert told(5, {"exact": False, **FOUND, **error}) == Checked(
        False,
        "parity not exact over 1,200 decisions and 34 fills: runs/paper: one fill differs",
    )
    assert not told(0, {"exact": False, **FOUND}).exact


def test_an_error_is_told_in_the_place_of_a_result():
    found = told(74, {"error": {"code": "storage", "message": "Out of Memory Error"}})
    assert found == Checked(False, "parity failed: Out of Memory Error")


@pytest.mark.parametrize(("out", "err"), [("", "Traceback\nMemoryError\n"), ("{", ""), ("[]", "")])
def test_a_process_that_broke_is_told(out, err):
    found = told(-9, out, err)
    assert not found.exact
    assert found.text == (
        f"parity failed with exit code -9: {'MemoryError' if err else 'it said nothing'}"
    )


@pytest.mark.slow
def test_the_command_itself_is_understood(tmp_path):
    found = Checked.of(tmp_path / "none")
    assert not found.exact
    assert str(tmp_path / "none") in found.text
