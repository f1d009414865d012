"""No verb ends in a traceback, or never, for a path that it does not want."""

import json
import subprocess
import sys

import pytest

from folders import HELPERS
from releases import OLDEST, unpack


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return unpack(OLDEST, tmp_path_factory.mktemp("release"))


@pytest.mark.parametrize(
    "kinds",
    [["pipe", "long name"], pytest.param([], marks=pytest.mark.slow)],
    ids=["a few kinds", "every kind"],
)
def test_every_wrong_path_is_told_of(release, kinds):
    called = subprocess.run(
        [sys.executable, HELPERS / "wrong_paths.py", release, *kinds],
        capture_output=True,
        text=True,
        check=False,
    )
    assert called.returncode == 0, called.stderr
    calls = [json.loads(line) for line in called.stdout.splitlines()]
    assert {tuple(call["line"][:2]) for call in calls} >= {("data", "import"), ("paper", "report")}
    assert [(why, call) for call in calls if (why := wrong(call)) is not None] == []


def wrong(call):
    """What is wrong with how a call ended; None if nothing is."""
    if call.get("hung"):
        return "it never ended"
    if "Traceback" in call["err"]:
        return "a traceback"
    try:
        answer = json.loads(call["out"])
    except ValueError:
        return "no one object on standard output"
    failure = answer.get("error") if isinstance(answer, dict) else None
    if call["code"] and failure is None:
        return "it failed without an error"
    if failure and (failure["exit_code"] != call["code"] or failure["code"] == "bug"):
        return "another error than it ended with"
    return None
