"""A day as fast as it goes: nothing grows; with kills and faults, nothing is lost or untold."""

import json
import subprocess
import sys

import pytest

from folders import ROOT

BENCH = ROOT / "scripts" / "bench_paper.py"
SOAK = ROOT / "scripts" / "soak.py"


@pytest.mark.slow
def test_a_day_of_sixteen_pairs_holds_no_more_than_its_beginning():
    arguments = ("--pairs", "16", "--minutes", "1440", "--simulations", "4", "--json")
    done = subprocess.run(
        [sys.executable, BENCH, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (soak,) = json.loads(done.stdout)["soak"]
    assert soak["minutes"] == 1440, "a minute was missed"
    assert soak["growth_frac"] < 0.05, soak
    assert soak["descriptors_end"] == soak["descriptors_begin"], soak


@pytest.mark.slow
def test_a_day_of_kills_and_faults_loses_nothing_and_tells_each_once():
    arguments = ("--days", "1", "--pairs", "4", "--kills", "5", "--json")
    done = subprocess.run(
        [sys.executable, SOAK, *arguments], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert done.returncode == 0, found["notes"]
    assert sum(row["planned"] for row in found["faults"]) > 15
