"""What is checked before a commit is what the gate checks before the tests."""

import re

import yaml

from folders import ROOT

TOOL = re.compile(r"\.venv/bin/(ruff \w+|[\w-]+)")


def hooks():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"  # nothing is downloaded
    return repository["hooks"]


def test_hooks_and_gate_call_the_same_tools():
    gate = (ROOT / ".ci" / "run").read_text().partition("scripts/test")[0]
    assert [TOOL.match(hook["entry"])[1] for hook in hooks()] == TOOL.findall(gate)


def test_hooks_are_the_tools_of_the_environment():
    assert {hook["language"] for hook in hooks()} == {"system"}
