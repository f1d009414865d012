"""Every way to decide side by side: what is in it, what is said about it, and its pictures."""

import dataclasses
import functools
import json

import pytest
from rich.console import Console

from mlx_muzero.agent.muzero_agent import MuZeroAgent
from mlx_muzero.evaluation.full_comparison import compare_fully
from mlx_muzero.experiment import evaluating
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.market.synthetic.edge_markets import planted_edge
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import build_model
from muzero_cli.display.full_comparison import full_report
from small_recipes import TINY


@pytest.fixture(scope="module")
def planted():
    return planted_edge(1, 4, round_trip_cost_pips=4.0, session_bars=12)


@pytest.fixture(scope="module")
def full(small_config, planted):
    bars, truth = planted
    dataset = MarketDataset.from_bars(bars, small_config.market)
    rules = TradingRules.from_config(small_config)
    model = build_model(small_config, rules.table)

    def agent_with(root):
        search = dataclasses.replace(small_config.search, root=root)
        return MuZeroAgent(model, search, rules.states, len(OUTCOME_NAMES))

    done = []
    market = (dataset, rules, "test", 3, truth)
    found = compare_fully(
        agent_with("puct"),
        {root: agent_with(root) for root in ("puct", "gumbel")},
        model,
        *market,
        simulations=(2, 3),
        seed=5,
        recipe=TINY,
        doing=lambda what, total: done.append((what, total)),
    )
    assert done[0] == ("training the transformer: steps", TINY.steps)
    assert ("gumbel 3: decisions", 3 * 12) in done
    return found


@pytest.mark.slow
def test_every_way_to_decide_plays_the_same_sessions(full):
    metrics = full.comparison.metrics
    searches = ["puct 2", "puct 3", "gumbel 2", "gumbel 3"]
    assert list(metrics)[:6] == [*searches, "raw network", "transformer"]
    assert list(metrics)[-1] == "best_policy"
    assert {m.sessions for m in metrics.values()} == {3}
    raw = metrics["raw network"].net_pips_per_session
    for name, beyond in full.beyond_raw.items():
        assert beyond.mean == pytest.approx(metrics[name].net_pips_per_session - raw)
        assert beyond.low <= beyond.mean <= beyond.high
    assert full.sweep.curves.keys() == metrics.keys()
    assert all(metrics["perfect_foresight"].net_pips >= m.net_pips for m in metrics.values())


def test_an_untrained_model_forecasts_no_better_than_evenly(full):
    assert full.forecast.cross_entropy >= full.forecast.base_rate_cross_entropy * 0.95
    assert sum(bin_.count for bin_ in full.forecast.calibration) == 3 * 12 * len(OUTCOME_NAMES)


def test_it_reads_whole_in_80_columns_and_says_what_it_is(full):
    console = Console(width=80)
    with console.capture() as capture:
        console.print(full_report(full))
    text = capture.get()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert sum(line.startswith("perfect_foresight ") for line in text.splitlines()) == 4
    words = " ".join(text.split())
    for part in (
        "All were decided at 4;",
        "Brier score",
        "Transformer: 1 layers of width 4, seed 5",
    ):
        assert part in words


def test_trades_at_quotes_are_said_to_be(full):
    comparison = full.comparison
    paid = dataclasses.replace(comparison.conditions, spread_bps=0.3, spread_pips=0.33)
    quoted = dataclasses.replace(full, comparison=dataclasses.replace(comparison, conditions=paid))
    console = Console(width=80)
    with console.capture() as capture:
        console.print(full_report(quoted))
    words = " ".join(capture.get().split())
    assert "All were decided at their bars' quotes, 4 on average; at another cost" in words
    assert "the quoted spread of every round trip (median 0.33 pips, 0.3 bps)" in words


def test_json_has_every_number(full):
    values = json.loads(json.dumps(full.as_dict(), allow_nan=False))
    assert values["transformer"]["recipe"]["sizes"]["width"] == 4
    assert values["conditions"]["split"] == "test"
    assert values["decisions_per_s"]["puct 2"] > 0
    assert values["cost_sweep"]["curves"]["flat"]["break_even"] is None
    assert values["outcome_forecast"]["calibration"]


def test_a_file_in_the_place_of_the_plots_is_told_before_anything_plays(
    trained, cli, monkeypatch, tmp_path
):
    monkeypatch.setattr(evaluating, "compare_fully", None)
    (tmp_path / "plots").touch()
    code, _, err = cli("evaluate", trained, "--compare", "--png", "plots")
    assert code == 14
    assert "plots: something else has that name. Choose another name" in err


@pytest.mark.slow
def test_the_command_prints_and_draws_it(trained, cli, monkeypatch, tmp_path):
    quick = functools.partial(compare_fully, recipe=TINY)
    monkeypatch.setattr(evaluating, "compare_fully", quick)
    options = ("evaluate", trained, "--sessions", "2", "--compare", "--simulations", "2")
    code, out, err = cli(*options, "--png", "plots")
    assert (code, err.strip()) == (0, "")
    assert "breaks" in out
    assert len(list((tmp_path / "plots").iterdir())) == 4
    code, out, _ = cli(*options, "--simulations", "3", "--seed", "4", "--json")
    values = json.loads(out)
    assert (code, values["simulations"], values["transformer"]["seed"]) == (0, [2, 3], 4)
    assert {"puct 2", "gumbel 3"} <= values["policies"].keys()


@pytest.mark.slow
def test_pictures(full, tmp_path):
    draw = pytest.importorskip("muzero_cli.display.full_chart").draw
    files = draw(full, tmp_path / "plots")
    names = {"equity.png", "drawdown.png", "cost_curve.png", "calibration.png"}
    assert {file.name for file in files} == names
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)
