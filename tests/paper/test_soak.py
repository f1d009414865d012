"""A day of sixteen pairs, as fast as it goes: nothing grows."""

import json
import subprocess
import sys

import pytest

from folders import ROOT

BENCH = ROOT / "scripts" / "bench_paper.py"


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
