"""A session replayed with other numerics than computed it: another processor, another library."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mlx_muzero.market.bars import utc_text
from mlx_muzero.numerics import numerics
from mlx_muzero.paper import engine
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report import rounding
from mlx_muzero.paper.report.parity import check_parity
from muzero_cli.verbs import paper_checks
from paper_sessions import CONFIG, WARM_BARS, DicePlanner, markets, play, settings

SPAN = CONFIG.model.value_max - CONFIG.model.value_min
TOLERANCE = 2.0**-18 * SPAN
THERE = {"processor": "arm64", "blas": "Accelerate"}
PAPER = settings()


class Planner(DicePlanner):
    """Rounds values otherwise, and decides otherwise at the `turned` plans.

    `by` is what is added to every value of the network.
    """

    def __init__(self, by=0.0, turned=()):
        super().__init__()
        self._by, self._turned, self._plans = np.float32(by), turned, 0

    def plan(self, observation, position, seed, simulations, moment):
        result = super().plan(observation, position, seed, simulations, moment)
        if self._plans in self._turned:
            for row in range(len(position)):
                other = next(
                    action
                    for action in np.flatnonzero(self._table.legal[position[row]])
                    if action != result.action[row]
                )
                result.visits[row] = 0
                result.visits[row, other] = simulations
                result.action[row] = other
        self._plans += 1
        return replace(result, raw_value=result.raw_value + self._by)


def recorded(folder, monkeypatch, *processes):
    """A session that processes with such numerics traded one after the other."""
    bars = WARM_BARS - 1
    for process in processes:
        monkeypatch.setattr(engine, "numerics", lambda _precision, here=process: here)
        bars += 20
        played = play(folder / "run", PAPER, bars=markets(PAPER.pairs, bars))
    return played


def replayed(played, planner):
    with PaperStore(played.folder.store_path, read_only=True) as store:
        return check_parity(store, PAPER, CONFIG, planner)


@pytest.fixture(scope="module", params=[THERE, {}], ids=["another processor", "unknown"])
def elsewhere(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        played = recorded(tmp_path_factory.mktemp("elsewhere"), patch, request.param)
    return played, request.param


def test_bits_that_are_the_same_are_exact_whatever_computed_them(elsewhere):
    found = replayed(elsewhere[0], DicePlanner())
    assert found.exact
    assert found.agrees
    assert found.rounding.decisions == found.decisions.recorded


@pytest.mark.parametrize("by", [1e-9, 0.9 * TOLERANCE])
def test_values_may_round_otherwise(elsewhere, by):
    played, there = elsewhere
    found = replayed(played, Planner(by))
    assert (found.exact, found.agrees) == (False, True)
    assert found.rounding.recorded.get("blas") == there.get("blas")
    assert found.rounding.rounded == found.decisions.recorded > 30
    assert found.rounding.largest == pytest.approx(by)
    assert found.rounding.tolerance == TOLERANCE
    assert not found.rounding.turned
    assert json.loads(json.dumps(found.as_dict()))["agrees"] is True


def test_a_network_value_beyond_rounding_differs(elsewhere):
    found = replayed(elsewhere[0], Planner(1.1 * TOLERANCE))
    assert (found.agrees, found.turned) == (False, False)
    assert found.decisions.differ == found.decisions.recorded
    assert paper_checks._difference(found) == "the replay differs from the record"


def test_a_turned_decision_is_told_apart_and_the_money_is_still_compared(elsewhere):
    played, there = elsewhere
    found = replayed(played, Planner(1e-9, turned={3, 7}))
    assert (found.agrees, found.turned) == (False, True)
    assert found.decisions.differ == found.rounding.turned == 4
    assert {name for name, part in found.parts.items() if part.differ} == {"decisions"}
    assert found.fills.recorded > 10
    at = played.decisions[6]
    assert found.rounding.first_turned == f"{at['pair']} at {utc_text(at['close_ns'])} UTC"
    told = paper_checks._difference(found)
    assert told.startswith(f"recorded by {'other' if there else 'unknown'} numerics, and 4 of 40 ")
    assert "orders, fills and money are equal" in told


def test_money_is_exact_whatever_computed_the_decisions(elsewhere):
    played, _ = elsewhere
    dearer = replace(PAPER, fills=replace(PAPER.fills, slippage_pips=0.1))
    with PaperStore(played.folder.store_path, read_only=True) as store:
        found = check_parity(store, dearer, CONFIG, Planner(1e-9, turned={3}))
    assert found.equity.differ == 1
    assert not found.turned


def test_what_the_same_numerics_computed_is_held_to_the_bit(tmp_path, monkeypatch):
    played = recorded(tmp_path, monkeypatch, numerics())
    found = replayed(played, Planner(1e-9))
    assert found.decisions.differ == found.decisions.recorded
    assert not found.rounding.decisions
    assert not found.turned


@pytest.mark.slow
def test_an_account_that_moved_is_held_to_what_computed_each_minute(tmp_path, monkeypatch):
    here = numerics()
    played = recorded(tmp_path, monkeypatch, THERE, here, {})
    found = replayed(played, Planner(1e-9))
    assert found.decisions.recorded == 120
    assert found.decisions.differ == 40  # those of the process here
    assert found.rounding.rounded == 80
    assert found.rounding.recorded == THERE | {"backend": "dice", "root_backend": "dice"}
    assert found.rounding.differing["blas"] == ("Accelerate", here["blas"])
    assert "blas Accelerate, here OpenBLAS" in paper_checks._rounding(found.rounding)


def test_half_precision_rounds_more():
    model = CONFIG.model
    single = rounding.value_tolerance(model, {"native", "mlx"})
    assert single == TOLERANCE
    assert rounding.value_tolerance(model, {"native", "coreml"}) == 2**11 * single
