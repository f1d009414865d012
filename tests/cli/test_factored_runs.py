"""A factored model that plans by sampling: trained, explained, compared, and traded on paper."""

import json
import runpy
import sys
from dataclasses import replace

import pytest

from folders import ROOT
from markets import walk_bars
from mlx_muzero.agent.backend_choice import BACKENDS
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.experiment.trained_run import load_run
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.duckdb_files import vouch_for


def time_of(minute):
    return utc_text(int(walk_bars(1500).open_time_ns[minute])).replace(" ", "T")


@pytest.fixture
def run(cli, small_config, tmp_path):
    return trained(cli, small_config, tmp_path)


def trained(cli, small_config, tmp_path, *changes):
    """A run of four episodes; `changes` are options of ``train``."""
    preset = PRESETS["fx_factored"]
    config = replace(
        preset,
        market=small_config.market,
        model=replace(preset.model, latent_width=8, chain_states=4),
        search=replace(preset.search, planner="sampling", num_simulations=9, backend="native"),
        train=replace(
            preset.train,
            episodes=4,
            batch_size=16,
            validate_interval=2,
            validate_sessions=2,
            checkpoint_interval=2,
        ),
    )
    (tmp_path / "run.toml").write_text(config_toml.dumps(config))
    with BarStore(tmp_path / "bars.duckdb") as store:
        store.write(walk_bars(1500))
    vouch_for(tmp_path / "bars.duckdb")
    files = ("--config", "run.toml", "--db", "bars.duckdb")
    code, _, err = cli("train", "--run", "run", *files, *changes)
    assert code == 0, err
    return tmp_path / "run"


@pytest.mark.slow
def test_it_explains_itself_and_trades_as_it_would_again(cli, run):
    watched = [json.loads(line) for line in next((run / "decisions").iterdir()).open()]
    assert all(sum(decision["visits"]) == 9 for decision in watched)

    code, drawn, err = cli("tree", run, "--at", time_of(1400))
    assert code == 0, err
    assert "nan" not in drawn
    code, out, err = cli("tree", run, "--at", time_of(1400), "--json")
    assert code == 0, err
    tree = json.loads(out)
    assert sum(tree["visits"]) == 9
    assert tree["nodes"][0]["visits"] == 10

    span = ("--from", time_of(1400), "--to", time_of(1420))
    entries = ("--set", "risk.max_entries=2")
    other = ("--set", "fills.half_spread_pips=0.1", *entries, "--run", "paper")
    code, _, err = cli("paper", "start", "--model", run, "--pairs", "TEST", *span, *other)
    assert code == 0, err
    code, out, err = cli("paper", "parity", "paper")
    assert code == 0, err
    assert "the replay equals the record" in out


def test_an_agent_plans_to_the_end_of_the_sessions_it_plays_unless_it_has_learned_their_end(run):
    loaded = load_run(run, "best", None)
    config = loaded.config
    assert loaded.rules.session_bars == 0
    assert loaded.planned_rules == replace(loaded.rules, session_bars=config.market.session_bars)
    of_days = replace(config, market=replace(config.market, session_start="08:00 Europe/London"))
    assert replace(loaded, config=of_days).planned_rules == loaded.rules
    of_both = replace(config, model=replace(config.model, kind="muzero"))
    assert replace(loaded, config=of_both).planned_rules == loaded.rules


def test_a_model_is_compared_by_every_way_in_which_it_can_plan(run):
    assert list(load_run(run, "best", None).searchers()) == ["expectimax", "puct", "gumbel"]


@pytest.mark.slow
@pytest.mark.parametrize("planner", ["expectimax", "sampling"])
def test_worth_that_depends_on_the_cost_is_planned_with_by_every_way(
    cli, small_config, tmp_path, planner
):
    drawn = ("--set", "train.cost_low_pips=1", "--set", "train.cost_high_pips=8")
    run = trained(cli, small_config, tmp_path, *drawn, "--set", f"search.planner={planner}")
    loaded = load_run(run, "best", None)
    assert list(loaded.searchers()) == ["expectimax", "puct", "gumbel"]
    assert loaded.config.search.backend in BACKENDS
    entries = ("--set", "trading.max_entries=1")
    code, out, err = cli("evaluate", run, "--cost", "2", "--sessions", "2", *entries)
    assert code == 0, err
    assert "at most 1 entries a session" in out


def test_kinds_of_model_are_compared_at_equal_simulations_and_at_equal_time(
    run, monkeypatch, capfd
):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    sizes = ("--simulations", "2", "12", "--budgets", "0.001", "1e9", "--sessions", "3")
    monkeypatch.setattr(sys, "argv", ["model_kinds.py", str(run), str(run), *sizes, "--json"])
    runpy.run_path(str(ROOT / "scripts" / "model_kinds.py"), run_name="__main__")
    found = json.loads(capfd.readouterr().out)
    rows = found["simulations"]
    cells = [(row["kind"], row["runs"], row["simulations"]) for row in rows]
    assert cells == [("factored", 2, 2), ("factored", 2, 12)]
    assert all(row["worst"] == row["net_pips"] == row["best"] for row in rows)  # of one run, twice
    none, all_of_them = found["budgets"]
    assert none["simulations"] is none["cpu_us"] is none["net_pips"] is None
    assert (all_of_them["simulations"], all_of_them["net_pips"]) == (12, rows[1]["net_pips"])


def test_ways_to_plan_are_compared_on_the_same_sessions(run, monkeypatch, capfd):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    sizes = ("--depths", "1", "2", "--simulations", "3", "--sessions", "3", "--cost", "1")
    monkeypatch.setattr(sys, "argv", ["planners.py", str(run), *sizes, "--json"])
    runpy.run_path(str(ROOT / "scripts" / "planners.py"), run_name="__main__")
    rows = json.loads(capfd.readouterr().out)["planners"]
    ways = [(row["planner"], row["setting"]) for row in rows]
    assert ways == [("expectimax", 1), ("expectimax", 2), ("puct", 3), ("gumbel", 3)]
    # The last decisions of a session, here of 12, read no further than its end.
    assert [row["states"] for row in rows[:2]] == [11 * 3 / 12, (10 * 12 + 3) / 12]
    assert all(2.75 <= row["states"] <= 9.0 for row in rows[2:])
    for row in rows:
        assert row["beyond"] == pytest.approx(row["net_pips"] - rows[0]["net_pips"])
