"""No verb ends in a traceback, or never, for a path that it does not want."""

import faulthandler
import json
import subprocess
import sys

import pytest

from folders import HELPERS
from releases import OLDEST, unpack
from wrong_paths import PATIENCE_S, explore


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return unpack(OLDEST, tmp_path_factory.mktemp("release"))


def test_a_few_kinds_are_told_of(release, cli, monkeypatch):
    """In this process, which would end with where it was, should a verb hang."""

    def call(arguments, desk):
        monkeypatch.chdir(desk)
        faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
        try:
            code, out, err = cli(*arguments)
        finally:
            faulthandler.cancel_dump_traceback_later()
        return {"code": code, "out": out, "err": err}

    assert_all_are_told_of(list(explore(release, ["pipe", "long name"], call)))


@pytest.mark.slow
def test_every_kind_is_told_of(release):
    called = subprocess.run(
        [sys.executable, HELPERS / "wrong_paths.py", release],
        capture_output=True,
        text=True,
        check=False,
    )
    assert called.returncode == 0, called.stderr
    assert_all_are_told_of([json.loads(line) for line in called.stdout.splitlines()])


def assert_all_are_told_of(calls):
    assert {tuple(call["line"][:2]) for call in calls} >= {("data", "import"), ("paper", "report")}
    faults = [f"{why}: {call}" for call in calls if (why := wrong(call)) is not None]
    assert not faults, "\n".join(faults)


def wrong(call):
    """What is wrong with how a call ended; None if nothing is."""
    if call.get("hung"):
        return "it never ended"
    if "Traceback" in call["err"]:
        return "a traceback"
    try:
        answer = json.loads(call["out"])
    except ValueError:
        return "not JSON on standard output"
    # Of several files each has its own answer.
    answers = answer if isinstance(answer, list) else [answer]
    failures = [one["error"] for one in answers if isinstance(one, dict) and one.get("error")]
    failure = failures[0] if failures else None
    if call["code"] and failure is None:
        return "it failed without an error"
    if failure and (failure["exit_code"] != call["code"] or failure["code"] == "bug"):
        return "another error than it ended with"
    return None
