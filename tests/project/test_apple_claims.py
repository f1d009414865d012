"""The table of docs/apple.md: every claim about Macs, with what proves it."""

import re
import shlex

import pytest

from folders import ROOT
from mlx_muzero.profiling.mac_claims import CLAIMS

PAGE = (ROOT / "docs" / "apple.md").read_text()
HEAD = "| Claim | Proven by | Command | Expected |\n|---|---|---|---|\n"
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split(" | "))
    for line in PAGE.partition(HEAD)[2].partition("\n\n")[0].splitlines()
]
MEANINGS = PAGE.partition("| Proven by | Means |\n|---|---|\n")[2].partition("\n\n")[0]
KINDS = re.findall(r"^\| ([^|]+) \| ", MEANINGS, re.MULTILINE)


def test_every_row_is_proven_in_one_of_the_ways_that_are_explained():
    assert {len(row) for row in ROWS} == {4}
    assert {kind for _, kind, _, _ in ROWS} == set(KINDS)
    assert len({claim for claim, *_ in ROWS}) == len(ROWS) > 20


def test_what_doctor_checks_are_the_claims_that_are_open():
    checked = [(c, kind, e) for c, kind, command, e in ROWS if "doctor --mac" in command]
    assert checked == [(claim.text, "only a Mac", f"`pass {claim.name}`") for claim in CLAIMS]


@pytest.mark.parametrize("command", sorted({command for _, _, command, _ in ROWS}))
def test_the_files_that_commands_name_exist(command):
    for word in shlex.split(command.strip("`")):
        if re.match(r"(scripts|tests|\.ci)/", word):
            assert (ROOT / word).exists(), word


def test_what_linux_proves_is_run_on_every_submission():
    gate = (ROOT / ".ci" / "run").read_text() + (ROOT / ".github/workflows/ci.yml").read_text()
    for _, kind, command, _ in ROWS:
        program, *arguments = shlex.split(command.strip("`"))
        if kind == "only a Mac" or program == "scripts/test":  # which the gate runs as a whole
            continue
        program = arguments[0] if program == ".venv/bin/python" else program
        assert program in gate, command
