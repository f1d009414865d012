"""A day as fast as it goes: nothing grows; with kills and faults, nothing is lost or untold."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from folders import ROOT
from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS
from soaking.faults import Fault, drawn
from soaking.market import PAIRS, Market
from soaking.venue import MisbehavingVenue, World
from virtual_time import MONDAY_NS, run

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
    kept = {row["what"]: row["expected"] for row in found["accounts"]}
    assert kept["accounts a life begins with"] == 6, "after five kills and a full disk"
    assert 18 < kept["pairs a life begins with"] < 24, "one was dropped"
    assert kept["positions a life begins with"] > 0


@pytest.mark.parametrize("ahead_s", [-5, 0, 5])
@pytest.mark.parametrize("asked_s", [1, 6])
def test_a_bar_that_is_to_be_impossible_is_when_it_is_asked_for(ahead_s, asked_s):
    """A second after its end by the venue's clock, or as late as one is that was just set."""
    plan = drawn(MONDAY_NS, 2.0, PAIRS[:4], 2, 0)
    step = Fault("venue clock", None, 0, 0, 0, ahead_s * SECOND_NS)
    impossible = plan.of("rejected bar")
    plan = replace(plan, faults=(step, *impossible))
    market = Market(PAIRS[:4], MONDAY_NS // MINUTE_NS, 3 * 1440, plan.changes_minute, 0)

    async def answer(fault):
        world = World(fault.at_ns + (asked_s - ahead_s) * SECOND_NS, plan)
        venue = MisbehavingVenue(market, plan, world, {fault.pair: fault.pair}, 0)
        return await venue.fetch(fault.pair, fault.minute * MINUTE_NS, 1)

    assert impossible
    for fault in impossible:
        (candle,) = run(answer(fault))
        assert candle.fault() is not None


def test_a_bar_that_is_to_be_corrected_is_another_first_even_where_it_closes_as_it_opened(
    monkeypatch,
):
    at_ns = MONDAY_NS + 100 * MINUTE_NS
    revised = Fault("revised bar", PAIRS[0], at_ns, at_ns + 90 * SECOND_NS, at_ns + 4 * MINUTE_NS)
    plan = replace(drawn(MONDAY_NS, 2.0, PAIRS[:4], 2, 0), faults=(revised,))
    market = Market(PAIRS[:4], MONDAY_NS // MINUTE_NS, 1440, plan.changes_minute, 0)
    monkeypatch.setattr(market, "values", lambda _pair, _minute: [100.0, 101.0, 99.0, 100.0, 4.0])

    async def answer(after_s):
        venue = MisbehavingVenue(
            market, plan, World(at_ns + after_s * SECOND_NS, plan), {PAIRS[0]: PAIRS[0]}, 0
        )
        return await venue.fetch(PAIRS[0], revised.minute * MINUTE_NS, 1)

    (first,), (last,) = run(answer(1)), run(answer(95))
    assert first != last
    assert (last.close, last.volume) == (100.0, 4.0)
