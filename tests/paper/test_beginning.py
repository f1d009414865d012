"""What a session tells its agent of the rules it plays under."""

from dataclasses import replace

import pytest

from mlx_muzero.config.presets import CRYPTO, FX_FACTORED, FX_MICRO
from mlx_muzero.errors import ConfigError
from mlx_muzero.paper.beginning import require_planned, rules_in_force
from mlx_muzero.paper.settings import PaperSettings, fills_of, risk_of
from mlx_muzero.trading.costs import Costs, Swap
from mlx_muzero.trading.rules import TradingRules


@pytest.mark.parametrize("preset", [FX_MICRO, CRYPTO])
def test_a_session_at_the_costs_of_the_training_plays_by_its_rules(preset):
    trained = TradingRules.from_config(preset)
    paper = PaperSettings(pairs={}, fills=fills_of(preset.trading), risk=risk_of(preset))
    assert rules_in_force(trained, paper, preset.market) == trained


def test_an_agent_plans_with_what_the_session_pays():
    trained = TradingRules.from_config(FX_MICRO)
    fills = replace(fills_of(FX_MICRO.trading), half_spread_pips=0.3, swap_long_pips=0.5)
    in_force = rules_in_force(trained, PaperSettings(pairs={}, fills=fills), FX_MICRO.market)
    assert in_force.costs == Costs(0.6)
    assert in_force.swap == Swap(0.5, 0.0)
    assert replace(in_force, costs=trained.costs, swap=trained.swap) == trained


@pytest.mark.parametrize(("trained", "played"), [(0, 0), (4, 4), (4, 2), (0, 3), (4, 0)])
def test_entries_may_be_others_unless_the_model_observes_them(trained, played):
    for preset in (FX_MICRO, FX_FACTORED):
        run = replace(preset, trading=replace(preset.trading, max_entries=trained))
        risk = replace(risk_of(run), max_entries=played)
        assert risk_of(run).max_entries == trained
        paper = PaperSettings(pairs={"USDJPY": "USDJPY"}, fills=fills_of(run.trading), risk=risk)
        in_force = rules_in_force(TradingRules.from_config(run), paper, run.market)
        assert in_force.max_entries == played
        assert in_force.session_bars == (run.market.session_bars if played else 0)
        if preset is FX_MICRO and bool(trained) != bool(played):
            with pytest.raises(ConfigError, match=f"--set trading.max_entries={played}"):
                require_planned(paper, run)
        else:
            require_planned(paper, run)


def test_quotes_that_an_agent_cannot_plan_with_are_refused():
    """An agent that plays by the costs of its training pays them all the same."""
    usual = fills_of(FX_FACTORED.trading)
    settings = PaperSettings(pairs=("USDJPY",), fills=replace(usual, cost="quotes"))
    require_planned(settings, FX_MICRO)
    with pytest.raises(ConfigError, match="no usual spread"):
        require_planned(settings, FX_FACTORED)
    require_planned(replace(settings, fills=usual), FX_FACTORED)
    trading = replace(FX_FACTORED.trading, cost="quotes")
    require_planned(settings, replace(FX_FACTORED, trading=trading))
