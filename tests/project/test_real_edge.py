"""The study of a real pair by years: what it chooses by, what it judges, and what it refuses."""

import dataclasses
import json
import runpy
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from folders import ROOT
from markets import MINUTE_NS, walk_bars
from mlx_muzero.experiment.loading import load_config, load_dataset
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.run import MarketRecord, RunFolder
from mlx_muzero.training.trainer import Trainer
from runs import Heard, never

QUICK = [
    "market.features=micro", "market.session_start=09:20 Asia/Tokyo", "market.session_bars=70",
    "market.window_bars=8", "search.backend=mlx", "model.members=2", "train.hold_bars=4",
    "model.latent_width=16",
    "collect.envs=2", "replay.min_episodes=2", "replay.max_episodes=4", "train.episodes=4",
    "train.batch_size=8", "train.validate_interval=4", "train.validate_sessions=2",
    "train.checkpoint_interval=4", "train.steps_per_episode=1",
]  # fmt: skip
DAYS = 3
YEARS = (2015, 2016, 2017, 2018)


def store_of(path, rising=0.0):
    """Three days of each of four years, whose price rises by so much a bar."""
    held = walk_bars(DAYS * 1440 * len(YEARS), symbol="USDJPY")
    mondays = [datetime(year, 3, 9 + (7 - datetime(year, 3, 9).weekday()) % 7, tzinfo=UTC)
               for year in YEARS]  # fmt: skip
    opens = [
        int(monday.timestamp()) * 10**9 + MINUTE_NS * np.arange(DAYS * 1440) for monday in mondays
    ]
    risen = rising * np.arange(len(held))
    prices = {name: getattr(held, name) + risen for name in ("open", "high", "low", "close")}
    with BarStore(path) as opened:
        opened.write(dataclasses.replace(held, open_time_ns=np.concatenate(opens), **prices))
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A walk that goes nowhere."""
    return store_of(tmp_path_factory.mktemp("edge") / "market.duckdb")


@pytest.fixture
def study(monkeypatch, capsys, store):
    """What the script prints as JSON."""

    def run(*arguments, market=store):
        monkeypatch.syspath_prepend(ROOT / "scripts")
        sets = [word for key in QUICK for word in ("--set", key)]
        years = ("--fit", "2015-2016", "--choose", "2015-2017", "--test", "2018", "--steps", "4")
        command = ["real_edge.py", str(market), *years, *sets, "--json", *arguments]
        monkeypatch.setattr(sys, "argv", command)
        capsys.readouterr()
        runpy.run_path(str(ROOT / "scripts" / "real_edge.py"), run_name="__main__")
        return json.loads(capsys.readouterr().out)

    return run


@pytest.mark.slow
def test_every_rival_is_chosen_by_years_left_out_and_judged_on_the_test(study):
    found = study("--pips", "0.2,4", "--seeds", "0", "1")
    rivals = ["reversal_hysteresis", "momentum_hysteresis", "line", "line_dp"]
    names = ["fix_rule", *rivals, "fitted_q 0", "fitted_q 1", "fitted_q"]
    assert [(row["pips"], row["policy"]) for row in found["test"]] == [
        (pips, name) for pips in (0.2, 4.0) for name in names
    ]
    assert found["test"][0]["trades"] == 2 * DAYS
    assert found["test"][0]["beyond"] is None
    for row in found["test"]:
        assert row["low"] <= row["net"] <= row["high"]
        assert row["sharpe_low"] <= row["sharpe_high"]
    of_seeds = [row["net"] for row in found["test"][5:7]]
    assert found["test"][7]["net"] == pytest.approx(np.mean(of_seeds))
    cheap, dear = (row for row in found["test"] if row["policy"] == "fix_rule")
    assert cheap["net"] - dear["net"] == pytest.approx(3.8 * 2)
    years = {(row["policy"], row["year"]) for row in found["years"]}
    assert years == {(name, year) for name in (*names[:5], "fitted_q") for year in YEARS[:3]}
    (looks,) = found["notes"]
    assert "Look 14 at these bars; 12 configurations were tried" in looks
    rows = [(row["pips"], row["policy"]) for row in found["test"]]
    assert [(row["pips"], row["policy"]) for row in found["verdicts"]] == rows
    for row in found["verdicts"]:
        assert row["verdict"] == row["alone"] == "too short"
        assert row["because"].startswith("3 days, where 20 at different times are the least")


def test_where_no_year_left_out_paid_a_rival_stays_flat(study):
    found = study("--pips", "1000", "--rivals", "line", "fitted_q", "--seeds", "0")
    for row in found["test"][1:]:
        assert (row["net"], row["trades"], row["sharpe"]) == (0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def trained(store, tmp_path_factory):
    """A run on the bars before 2018."""
    sets = [*QUICK, "market.end_utc=2018-01-01"]
    config = load_config("fx_intraday", None, sets, "USDJPY", store)
    dataset, _ = load_dataset(config, store)
    run = RunFolder(tmp_path_factory.mktemp("runs") / "agent")
    run.begin(config, MarketRecord.of(store, dataset))
    assert Trainer(config, dataset, TradingRules.from_config(config), run, Heard(), never).run()
    return run.path


@pytest.mark.slow
def test_a_trained_run_is_judged_unless_it_knows_the_test(study, trained):
    alone = ("--pips", "0.4", "--rivals", "--run", str(trained))
    found = study(*alone)
    assert [row["policy"] for row in found["test"]] == ["fix_rule", "agent"]
    assert any(note.startswith("a round trip costs 0.4 pips") for note in found["notes"])
    years = [row for row in found["years"] if row["policy"] == "factored 0"]
    assert [row["year"] for row in years] == [*YEARS[:3]]
    (gate,) = (note for note in found["notes"] if "years left out" in note)
    earned = float(gate.partition("earned ")[2].split()[0]) if "earned" in gate else 0.0
    assert earned == pytest.approx(np.mean([row["net"] for row in years]), abs=0.01, rel=0.01)
    assert gate.endswith("above nothing: it stays flat") or "lost" in gate or "no trade" in gate
    assert found["test"][1]["trades"] == found["test"][1]["net"] == 0.0
    with pytest.raises(SystemExit, match=r"market\.session_bars differ"):
        study(*alone, "--set", "market.session_bars=80")
    with pytest.raises(SystemExit, match=r"bars of 2017 trained it .* market\.end_utc=2017-01-01"):
        study(*alone, "--choose", "2015-2016", "--test", "2017-2018")


@pytest.mark.slow
def test_factored_models_are_trained_where_years_left_out_paid(study, tmp_path):
    """Where the price rises they do: the runs stand alone, and are not trained twice."""
    rising = store_of(tmp_path / "rising.duckdb", rising=0.02)
    quick = ("--set", "train.learning_rate=0.05", "--set", "train.average_decay=0")
    runs = ("--rivals", "fitted_q", "--seeds", "0", "1", "--train", str(tmp_path / "runs"))
    found = study("--pips", "0.4", *runs, *quick, "--factors", "1,2", market=rising)
    policies = [row["policy"] for row in found["test"]]
    assert policies[-3:] == ["factored 0", "factored 1", "all runs"]
    net = [row["net"] for row in found["test"][-3:]]
    assert net[2] == pytest.approx(np.mean(net[:2]))
    assert net[2] > 0.0
    (compared,) = found["beyond"]
    assert (compared["policy"], compared["than"]) == ("all runs", "fitted_q")
    assert compared["low"] <= compared["mean"] <= compared["high"]
    left_out = [(r["policy"], r["year"]) for r in found["years"] if r["policy"] != "fix_rule"]
    assert {*left_out} >= {(f"factored {s}", year) for s in (0, 1) for year in YEARS[:3]}
    assert len({*left_out}) == len(left_out)
    ledger = (tmp_path / "rising.duckdb.looks.jsonl").read_text().splitlines()
    tried = [json.loads(line)["run"] for line in ledger if '"trained"' in line]
    times = [f"factored, years left out, costs {factor} times, seed 0" for factor in (1, 2)]
    chosen = next(line for line in tried if line.endswith("seed 1"))
    assert chosen.removesuffix("seed 1") + "seed 0" in times
    assert tried == [*times, chosen, "factored 0", "factored 1"]
    assert any(note.endswith("above nothing: it plays") for note in found["notes"])
    kept = (tmp_path / "runs" / "factored 1" / "journal.jsonl").read_bytes()
    again = study("--pips", "0.4", *runs, *quick, "--factors", "1,2", market=rising)
    assert [row["net"] for row in again["test"][-3:]] == net
    assert (tmp_path / "runs" / "factored 1" / "journal.jsonl").read_bytes() == kept


@pytest.mark.slow
def test_on_a_walk_no_year_left_out_pays_and_nothing_is_trained(study, store, tmp_path):
    """The walk has the market's times and the sizes of its changes, and a ledger of its own."""
    walk = tmp_path / "walk.duckdb"
    train = ("--rivals", "--train", str(tmp_path / "runs"), "--walk", str(walk))
    found = study("--pips", "0.4", *train, "--factors", "4")
    assert [row["policy"] for row in found["test"]] == ["fix_rule"]
    assert "no factored model was trained, and none trades" in found["notes"]
    assert not (tmp_path / "runs").exists()
    with BarStore(store) as real, BarStore(walk) as walked:
        one, other = real.load("USDJPY"), walked.load("USDJPY")
    np.testing.assert_array_equal(one.open_time_ns, other.open_time_ns)
    sizes, same = (np.abs(np.diff(np.log(bars.close))) for bars in (one, other))
    np.testing.assert_allclose(same, sizes, atol=1e-9)
    np.testing.assert_array_equal(other.open[1:], other.close[:-1])
    with pytest.raises(SystemExit, match="name a store that is still to be written"):
        study(*train)


def test_a_year_is_not_fitted_and_judged(study, capsys):
    with pytest.raises(SystemExit):
        study("--test", "2015-2017")
    assert "a year of --test is among those of --fit or --choose" in capsys.readouterr().err


def test_the_rule_alone_knows_no_year(study):
    found = study("--pips", "0.4", "--rivals", "--test", "2015-2018")
    assert found["test"][0]["trades"] == 2 * (DAYS * len(YEARS) - 1)  # the first day is warm-up
    assert [row["policy"] for row in found["verdicts"]] == ["fix_rule"]
