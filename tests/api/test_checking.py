"""What a notebook checks: leakage of bars and runs, rewards, and all that a run is compared by."""

from dataclasses import replace
from functools import partial

import pytest

import mlx_muzero as mm
from mlx_muzero.config.schema import REWARDS
from mlx_muzero.evaluation.full_comparison import compare_fully
from mlx_muzero.evaluation.transformer_policy import Sizes
from mlx_muzero.evaluation.transformer_teaching import RECIPE
from mlx_muzero.experiment import evaluating

pytestmark = pytest.mark.filterwarnings("ignore::mlx_muzero.api.notes.MuZeroWarning")

TINY = replace(
    RECIPE, sizes=Sizes(4, 1, 1), sessions=8, validation_sessions=2, steps=4, check_every=2
)


def checked(report):
    return {check.name for check in report.checks}


def test_a_configurations_bars_are_tested_by_scripted_policies(small_config, db_once):
    report = mm.check_leakage(small_config, store=db_once, cuts=3)
    assert report.cuts == 3
    assert "decisions of momentum_5" in checked(report)
    assert not any("agent" in name for name in checked(report))
    assert report.failure() is None


def test_a_runs_agent_is_tested_too(trained_once):
    report = mm.check_leakage(trained_once, cuts=2)
    assert {"decisions of agent (search)", "rewards of agent (raw network)"} <= checked(report)
    assert report.failure() is None
    leak = replace(report.checks[0], different=1, example="cut after 10:00, bar 09:59")
    leaking = replace(report, checks=(leak, *report.checks[1:]))
    with pytest.raises(mm.MuZeroError, match="leaks into: outcome labels"):
        raise leaking.failure()
    with pytest.raises(mm.MuZeroError, match="the policy that looks ahead was not caught"):
        raise replace(report, control_caught=0).failure()


def test_a_reward_of_ones_own_is_audited_with_those_built_in(small_config, db_once, monkeypatch):
    monkeypatch.setattr(REWARDS, "_registered", {})
    mm.register_reward("upside_down", lambda _scale: lambda effect: -effect.earned_pips)
    audit = mm.audit_reward(small_config, store=db_once, sessions=5)
    assert [*audit.schemes] == [
        "amddp1",
        "mark_to_market",
        "differential_sharpe",
        "upside_down",
    ]
    assert audit.sessions == 5
    assert audit.schemes["upside_down"].rank_correlation == pytest.approx(-1.0)
    assert audit.schemes["upside_down"].degenerate


def test_a_run_is_compared_by_search_risk_and_cost(trained_once, monkeypatch):
    # The library's recipe teaches the Transformer for minutes.
    monkeypatch.setattr(evaluating, "compare_fully", partial(compare_fully, recipe=TINY))
    full = mm.compare_fully(trained_once, sessions=2, simulations=(2,), seed=3)
    assert {"puct 2", "gumbel 2", "raw network", "flat"} <= full.comparison.entries.keys()
    assert full.transformer.seed == 3
    assert full.comparison.conditions.sessions == 2
