"""FX's targets and stages: what they are, and where they appear."""

import json

import pytest

from mlx_muzero.config import fx_targets
from mlx_muzero.watch.train_state import TrainState
from muzero_cli.verbs.status import as_text


@pytest.mark.parametrize(
    ("episodes", "steps", "name"),
    [
        (0, 0, "buffer collection"),
        (90, 0, "buffer collection"),
        (90, 1, "early training"),
        (499, 900, "early training"),
        (500, 900, "learning"),
        (4999, 9000, "learning"),
        (5000, 9000, "refinement"),
        (100_000, 9000, "refinement"),
    ],
)
def test_a_run_stands_in_a_stage_of_the_timeline(episodes, steps, name):
    assert fx_targets.stage_of(episodes, steps).name == name


@pytest.mark.parametrize(
    ("pips", "won", "met"),
    [(0.51, 0.45, (True, True)), (0.5, 0.55, (False, True)), (2.0, 0.56, (True, False))],
)
def test_figures_are_held_against_the_targets(pips, won, met):
    found = fx_targets.compared(pips, won)
    assert (found["expectancy_met"], found["win_frac_met"]) == met


def validated(unit):
    state = TrainState()
    state.apply({"event": "started", "symbol": "EURUSD", **unit})
    state.apply({"event": "resumed", "episodes": 700, "steps": 40})
    metrics = {"expectancy_pips": 0.8, "win_frac": 0.4}
    state.apply({"event": "validated", "episodes": 700, "best": True, "metrics": metrics})
    return state


def test_status_shows_them_beside_the_validation_of_a_currency_pair():
    facts = validated({"unit": "pips"}).as_dict()
    assert facts["targets"] == fx_targets.compared(0.8, 0.4)
    assert facts["stage"]["name"] == "learning"
    text = as_text(json.loads(json.dumps(facts)))
    assert "expectancy_above_pips" in text
    assert "moves toward positive" in text


@pytest.mark.parametrize("unit", [{"unit": "bps"}, {}])
def test_what_is_not_counted_in_pips_has_none(unit):
    facts = validated(unit).as_dict()
    assert (facts["targets"], facts["stage"]) == ({}, {})


def test_a_supervised_phase_has_no_stage():
    state = validated({"unit": "pips"})
    state.apply({"event": "phase", "phase": "value", "episodes": 100})
    assert state.stage is None
