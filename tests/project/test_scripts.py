"""The scripts run, and what README and docs quote exists."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import venv
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from typer.testing import CliRunner

import paper_sessions
from factored_models import factored_config
from folders import ROOT
from markets import quoted_bars, walk_bars
from mlx_muzero.agent.backend_choice import BACKENDS
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.choices import ExpansionMode, Precision
from mlx_muzero.config.presets import FX_FACTORED, FX_MICRO, PRESETS
from mlx_muzero.config.schema import REWARDS
from mlx_muzero.config.sweep_file import trials_of
from mlx_muzero.config.toml import KEYS
from mlx_muzero.evaluation.rivals.fitted import RIVALS
from mlx_muzero.experiment.synthetic_market import store_market
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper import settings as paper_settings
from muzero_cli.main import app
from training_journals import training_run

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("**/*.md"))]
SHELL_SCRIPTS = [
    path
    for path in [ROOT / ".ci" / "run", *sorted((ROOT / "scripts").iterdir())]
    if path.is_file() and path.read_text().startswith("#!/usr/bin/env bash")
]


@pytest.fixture
def run_script(monkeypatch, capsys):
    """Runs a script in this process, which has loaded what it needs; returns what it printed."""

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(ROOT / "scripts" / name), run_name="__main__")
        return json.loads(capsys.readouterr().out)

    return run


def run_alone(name, *arguments):
    """Runs a script in a process of its own; returns what it printed."""
    command = [sys.executable, str(ROOT / "scripts" / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_collection_benchmark_adds_up(run_script):
    sizes = ("--simulations", "2", "--envs", "2", "3", "--steps", "2", "--rounds", "1")
    found = run_script("bench_collect.py", *sizes, "--json")
    assert [result["envs"] for result in found["results"]] == [2, 3]
    for result in found["results"]:
        per_minute = result["decisions_per_s"] * 60 / 360
        assert result["episodes_per_minute"] == pytest.approx(per_minute)
        assert sum(result["share"].values()) == pytest.approx(1)
        assert min(result["share"].values()) > 0
        assert result["ratio_to_twin"] > 0


@pytest.mark.slow
def test_collection_benchmark_compares_two_builds(run_script):
    sizes = ("--simulations", "2", "--envs", "2", "3", "--steps", "2", "--rounds", "1")
    compared = ("--against", str(ROOT), "--precision", "int8")
    found = run_script("bench_collect.py", *compared, *sizes, "--json")["against"]
    assert [(row["envs"], row["precision"]) for row in found] == [(2, "int8"), (3, "int8")]
    assert all(row["over_against"] > 0 and row["decisions_per_s"] > 0 for row in found)


@pytest.mark.slow
def test_search_benchmark_covers_its_grid(run_script):
    sizes = ("--roots", "2", "3", "--simulations", "2", "--rounds", "1")
    found = run_script("bench_search.py", *sizes, "--json")
    assert {(row["expansion"], row["roots"], row["backend"]) for row in found["backends"]} == {
        (expansion, roots, backend)
        for expansion in get_args(ExpansionMode)
        for roots in (2, 3)
        for backend in BACKENDS
    }
    assert {row["expansion"] for row in found["tree"]} == set(get_args(ExpansionMode))
    assert {(row["roots"], row["backend"]) for row in found["market"]} == {
        (roots, backend) for roots in (2, 3) for backend in BACKENDS
    }
    rows = [*found["backends"], *found["tree"], *found["market"]]
    assert all(figure > 0 for row in rows for figure in row.values() if isinstance(figure, float))


@pytest.mark.slow
def test_search_benchmark_compares_two_builds_bit_for_bit(run_script):
    cell = ("--roots", "2", "--simulations", "2", "--rounds", "1")
    found = run_script("bench_search.py", "--against", str(ROOT), *cell, "--json")
    rows = found["against"]
    assert {(row["expansion"], row["precision"]) for row in rows} == {
        (expansion, precision)
        for expansion in get_args(ExpansionMode)
        for precision in get_args(Precision)
    }
    assert all(row["over_against"] > 0 and row["decisions_per_s"] > 0 for row in rows)
    assert {row["same_bits"] for row in rows if row["precision"] == "float32"} == {True}
    assert {row["same_bits"] for row in rows if row["precision"] != "float32"} == {None}


def test_paper_benchmark_measures_every_stage(run_script):
    sizes = ("--pairs", "2", "--simulations", "2", "--minutes", "12")
    found = run_script("bench_paper.py", *sizes, "--json")
    assert [row["stage"] for row in found["latency"]] == ["observe", "search", "orders", "total"]
    assert all(0 < row["p50"] <= row["p99"] <= row["most"] for row in found["latency"])
    (soak,) = found["soak"]
    assert soak["minutes"] == 12
    assert soak["descriptors_end"] == soak["descriptors_begin"] > 0


@pytest.mark.slow
def test_report_benchmark_finds_the_same_with_two_builds(run_script):
    cell = ("--days", "1", "--pairs", "1", "--html", "--against", str(ROOT))
    found = run_script("bench_report.py", *cell, "--json")["reports"]
    assert len(found) == 2
    assert len({row["figures"] for row in found}) == 1
    assert all(row["processor_s"] > 0 and row["html_mb"] > 0 for row in found)
    assert found[0]["trades"].split(" / ")[1] != "0"


@pytest.mark.slow
def test_watching_benchmark_compares_throughput():
    found = run_alone("bench_tui.py", "--rounds", "1", "--seconds", "8", "--json")
    (turn,) = found["round 0"]
    assert turn["ratio"] == pytest.approx(turn["watched"] / turn["alone"])
    assert turn["ui_cpu_frac"] > 0
    assert found["median"] == [{"ratio": turn["ratio"], "ui_cpu_frac": turn["ui_cpu_frac"]}]


@pytest.mark.slow
def test_start_benchmark_times_both_programs(tmp_path, run_script):
    run, _ = training_run(tmp_path / "edge")
    found = run_script("bench_start.py", str(run), "--rounds", "1", "--json")
    smallest, ours = found["start"]
    assert smallest["over_smallest"] == 1.0
    assert ours["over_smallest"] == pytest.approx(ours["median_ms"] / smallest["median_ms"])
    assert 0 < smallest["least_ms"] <= smallest["median_ms"]


@pytest.mark.slow
def test_known_optimum_judges_both_markets(tmp_path, small_config):
    config = tmp_path / "small.toml"
    market = replace(small_config.market, session_bars=360)
    config.write_text(config_toml.dumps(replace(small_config, market=market)))
    run = ("--minutes", "0.1", "--walk-minutes", "0.1", "--seeds", "3", "--config", str(config))
    folder = ("--folder", str(tmp_path / "runs"), "--sessions", "20", "--json")
    found = run_alone("known_optimum.py", *run, *folder)
    (edge,), (walk,) = found["planted"], found["random_walk"]
    assert edge["seed"] == walk["seed"] == 3
    assert edge["reached"] == pytest.approx(edge["search"] / edge["best_policy"])
    assert edge["best_policy"] > 0
    assert walk["trades"] >= 0
    assert [rival["rival"] for rival in found["rivals"]] == ["line", "line_dp", "fitted_q"]
    line = found["rivals"][0]
    assert line["reached"] == pytest.approx(line["net_pips"] / edge["best_policy"])
    assert {(point["build"], point["seed"]) for point in found["curves"]} == {("this", 3)}


@pytest.mark.slow
def test_rules_are_changed_on_the_fresh_twin(tmp_path, small_config, run_script):
    config = tmp_path / "small.toml"
    config.write_text(config_toml.dumps(factored_config(small_config)))
    store, run = tmp_path / "bars.duckdb", tmp_path / "run"
    for symbol, seed in (("EDGE", 1), ("EDGE_FRESH_5", 5)):
        store_market(store, "planted_edge", symbol, 4, seed, None, session_bars=12)
    short = ("--config", str(config), "--symbol", "EDGE", "--db", str(store))
    trained = CliRunner().invoke(
        app, ["train", "--run", str(run), "--set", "train.episodes=2", *short]
    )
    assert trained.exit_code == 0, trained.output
    judged = ("--rules", "1 pip", "--sessions", "3", "--fresh-seed", "5")
    rows = run_script("changed_rules.py", str(run), *judged, "--json")["rules"]
    of_best = {row["policy"]: row["of_best"] for row in rows}
    assert of_best["best policy"] == 1.0
    assert {"search, run 0", "fitted_q, retrained"} <= of_best.keys()


@pytest.mark.slow
def test_pictures_of_the_same_measurements_are_the_same(tmp_path, monkeypatch):
    """In this process, which has matplotlib already."""
    measured = {
        "machine": "a machine",
        "planted": [{"expected": 90.0}],
        "curves": [
            {"build": build, "seed": seed, "seconds": seconds, "net_pips": 80.0 - 70.0 / seconds}
            for build in ("this", "other")
            for seed in (0, 1)
            for seconds in (2.0, 20.0)
        ],
        "rules": [
            {"rule": rule, "policy": policy, "of_best": 0.9}
            for rule in ("1 pip", "flat after 2/3")
            for policy in ("search, run 0", "search, run 1", "line, training's rules")
        ],
    }
    source = tmp_path / "measured.json"
    source.write_text(json.dumps(measured))
    drawn = []
    for _ in range(2):
        arguments = (str(source), str(source), "--folder", str(tmp_path))
        monkeypatch.setattr(sys, "argv", ["results_pictures.py", *arguments])
        runpy.run_path(str(ROOT / "scripts" / "results_pictures.py"), run_name="__main__")
        drawn.append([path.read_text() for path in sorted(tmp_path.glob("*.svg"))])
    assert drawn[0] == drawn[1]
    rules, learning = drawn[0]
    assert "seconds since the start of train" in learning
    assert learning.count("a model of the market alone") == 1
    assert "flat after 2/3" in rules


@pytest.mark.slow
def test_planted_markets_are_played_by_all_rivals(run_script):
    sizes = ("--seeds", "1", "--days", "6", "--session-bars", "60")
    found = run_script("planted_markets.py", *sizes, "--json")
    walk, edge, nonlinear, wait, *others = found["markets"]
    assert (walk["optimum"], walk["best_policy"], walk["line_reaches"]) == (0.0, None, None)
    for row in (edge, nonlinear, wait, *others):
        assert row["best_policy"] > row["momentum"]
        assert row["line_reaches"] == pytest.approx(row["line"] / row["optimum"])
    assert edge["line_reaches"] > nonlinear["line_reaches"]
    assert edge["line_reaches"] > wait["line_reaches"]


def test_search_benchmark_says_how_to_install_a_missing_peer(tmp_path, run_script):
    bare = tmp_path / "bin" / "python"
    venv.create(tmp_path, with_pip=False)
    found = run_script("bench_search.py", "--peer", f"mctx={bare}", "--json")
    assert found["notes"] == [
        f"mctx is not installed for {bare}; install it there: {bare} -m pip install mctx 'jax[cpu]'"
    ]


@pytest.mark.slow
def test_replay_of_ten_thousand_episodes_stays_under_500_mb():
    found = run_alone("bench_replay.py", "--rounds", "2", "--json")
    assert found["episodes"] == 10_000
    assert found["buffer_bytes"] <= found["resident_growth_bytes"] + 1e6 < 501e6
    assert found["times_smaller"] > 10


@pytest.mark.slow
def test_fills_are_compared_on_the_same_sessions(tmp_path, run_script):
    path = tmp_path / "coins.duckdb"
    with BarStore(path) as store:
        bars = walk_bars(3000, symbol="BTCUSDT")
        store.write(replace(bars, volume=np.ones(len(bars))))
    found = run_script("compare_fills.py", str(path), "--set", "market.session_bars=60", "--json")
    assert found["fills"][0]["policy"] == "last bar turns"
    for row in found["fills"]:
        assert row["difference"] == pytest.approx(row["close"] - row["next_open"])
        # These bars open at the last close: only a policy that was fitted anew may differ.
        assert row["difference"] == 0.0 or row["policy"] in RIVALS


@pytest.mark.slow
def test_costs_are_compared_on_the_same_sessions(tmp_path, run_script):
    path = tmp_path / "pairs.duckdb"
    with BarStore(path) as store:
        bars = quoted_bars(3000, symbol="USDJPY")
        store.write(replace(bars, extras={}), bars.extras)
    # Spreads are 0 to 4 pips, so 2 on average.
    found = run_script(
        "compare_costs.py",
        *(str(path), "--symbol", "USDJPY", "--pips", "2", "--set", "market.session_bars=60"),
        "--json",
    )
    fixed, quoted = (
        next(row for row in found["costs"] if row["costs"] == costs)
        for costs in ("2 pips", "quotes")
    )
    assert fixed["policy"] == quoted["policy"] == "last bar turns"
    assert fixed["trades"] == quoted["trades"] > 50
    assert fixed["paid_a_trade"] == pytest.approx(2.0)
    assert quoted["paid_a_trade"] == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize("script", SHELL_SCRIPTS, ids=lambda path: path.name)
def test_shell_scripts_are_executable_and_parse(script):
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0


def test_arm64_says_why_it_cannot_run(tmp_path):
    for program in ("bash", "dirname", "uname"):
        (tmp_path / program).symlink_to(shutil.which(program))
    script = ROOT / "scripts" / "arm64"
    done = subprocess.run([script, "short"], env={"PATH": str(tmp_path)}, capture_output=True)
    assert done.returncode == 3
    assert re.match(rb"arm64: NOT RUN: (this machine is|apt-get is not installed)", done.stderr)


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


ONLY_FACTORED = ("cost_clock_minutes", "cost_low_pips", "hold_bars", "search.planner")


def commands(page):
    """Every command of the page, from its blocks and from its text."""
    text = page.read_text()
    quoted = re.findall(
        r"(?<!`)`([^`]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    )
    fenced = "".join(re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)).replace(
        "\\\n", " "
    )
    return [*quoted, *fenced.splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_quoted_configurations_are_valid(page, monkeypatch):
    own_rewards = re.findall(r'register_reward\("(\w+)"', page.read_text())
    monkeypatch.setattr(REWARDS, "_registered", dict.fromkeys(own_rewards))
    for text in blocks(page, "toml"):
        tables = tomllib.loads(text)
        if tables.keys() & {"space", "trial"}:
            trials_of(tables, FX_FACTORED, str(page))
        else:
            config_toml.loads(text, str(page))
    for command in commands(page):
        preset = re.search(r"--preset[ =](\w+)", command)
        found = re.findall(r"--set\s+(?:(\w+\.\w+=[^\s`)]+)|'(\w+\.\w+=[^']*)')", command)
        assigned = [plain or quoted for plain, quoted in found]
        ours = [each for each in assigned if each.split(".")[0] not in paper_settings.SECTIONS]
        # A command without a preset may be about a run of either kind of model.
        factored = any(name in command for name in ONLY_FACTORED)
        default = FX_FACTORED if factored else FX_MICRO
        config_toml.override(PRESETS[preset[1]] if preset else default, ours)
        theirs = [each for each in assigned if each not in ours]
        paper_settings.override(paper_sessions.settings(("USDJPY",)), theirs)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_named_keys_files_and_links_exist(page):
    text = page.read_text()
    sections = "|".join(KEYS)
    for section, name in re.findall(rf"`({sections})\.(?!json)(\w+)`", text):
        assert name in KEYS[section], f"{section}.{name}"
    for link in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (page.parent / link).exists(), link
    for path in re.findall(r"(?<![\w./~])((?:apps|cpp|docs|mlx_muzero|scripts)/[\w./-]*\w)", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_quoted_commands_exist(page):
    verbs = set(re.findall(r"mlx-muzero ((?:data |config )?[a-z-]+)", page.read_text()))
    for verb in verbs:
        done = CliRunner().invoke(app, [*verb.split(), "--help"])
        assert done.exit_code == 0, f"mlx-muzero {verb}"
