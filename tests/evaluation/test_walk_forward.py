"""Walk-forward: a run for each window, one report, and nothing known before its time."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from markets import walk_bars
from mlx_muzero.config import toml as config_toml
from mlx_muzero.experiment.walk_forward import RollingTraining
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.runlog.look import Tried
from mlx_muzero.training import checkpoint as checkpoints
from mlx_muzero.training.run import RunFolder
from mlx_muzero.training.walk_forward_folder import WalkForwardFolder
from muzero_cli import main
from pages import contents_in

COMMAND = ("walk-forward", "--run", "walk", "--windows", "2", "--set", "train.episodes=4")


@pytest.fixture(scope="module")
def walked_once(db_once, small_config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("walked")
    config = folder / "small.toml"
    config.write_text(config_toml.dumps(small_config))
    arguments = [*COMMAND, "--config", str(config), "--db", str(db_once)]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = CliRunner().invoke(main.app, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return folder / "walk", done.stdout


@pytest.fixture
def walked(walked_once, tmp_path):
    """Two windows, trained and reported on."""
    folder, out = walked_once
    return Path(shutil.copytree(folder, tmp_path / "walk")), out


@pytest.mark.slow
def test_what_else_was_tried_and_other_seeds_are_pooled_over_the_windows(walked):
    folder, _ = walked
    walk = RollingTraining.begun(WalkForwardFolder(folder), None).test()
    assert {name for window in walk.windows for _, name in window.trials} == {"agent (search)"}
    assert [list(window.seeds) for window in walk.windows] == [[0], [0]]
    assert walk.luck.overfitting is None, "nothing else was tried"

    def course(seed):
        return Tried(6, 0.0, 0.0, 100, 1, tuple(np.random.default_rng(seed).standard_normal(6)))

    windows = [
        dataclasses.replace(
            window,
            trials={(str(trial), "agent (search)"): course([place, trial]) for trial in range(4)},
            seeds={seed: course([place, seed]) for seed in range(3)},
        )
        for place, window in enumerate(walk.windows)
    ]
    luck = dataclasses.replace(walk, windows=tuple(windows)).luck
    assert (luck.overfitting_trials, luck.seeds.seeds) == (4, 3)
    assert 0.0 <= luck.overfitting <= 1.0
    every = [course([place, seed]).totals for place in range(2) for seed in range(3)]
    assert luck.seeds.net_pips_per_day == pytest.approx(np.mean(every))


@pytest.mark.slow
def test_the_windows_are_one_page(walked, cli, tmp_path):
    folder, _ = walked
    page = tmp_path / "page.html"
    code, out, err = cli("walk-forward", "--run", folder, "--resume", "--json", "--html", page)
    assert code == 0, err
    found, answer = contents_in(page.read_text()), json.loads(out)
    assert found["verdict"]["call"] == answer["luck"]["verdict"]["call"]
    windows = next(table for table in found["tables"] if table["title"] == "Windows")
    assert [row[5] for row in windows["rows"]] == [w["checkpoint"] for w in answer["windows"]]
    assert sum(row[6] for row in windows["rows"]) == answer["conditions"]["sessions"]
    equity = answer["policies"]["agent (search)"]["net_pips"]
    assert found["courses"][0]["equity"][-1] == pytest.approx(equity, rel=1e-5)
    (calibration,) = (plot for plot in found["plots"] if plot["title"] == "Calibration")
    assert [line["name"] for line in calibration["lines"]] == ["window 1", "window 2"]
    assert len({v for k, v in found["again"]["facts"].items() if "weights" in k}) == 2


def test_one_report_holds_the_whole_and_every_window(walked, cli):
    folder, out = walked
    assert "…" not in out
    assert max(len(line.rstrip()) for line in out.splitlines() if line[:2] in ("1 ", "2 ")) <= 80
    assert "TEST, 2 windows' test split" in out
    for part in ("window", "agent (search)", "perfect_foresight", "momentum"):
        assert part in out
    code, again, _ = cli("walk-forward", "--run", folder, "--resume", "--json")
    assert code == 0
    found = json.loads(again, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    windows = found["windows"]
    assert len(windows) == 2
    for name, whole in found["policies"].items():
        parts = [window["policies"][name] for window in windows]
        for key in ("sessions", "trades", "net_pips"):
            assert whole[key] == pytest.approx(sum(part[key] for part in parts))
    assert found["conditions"]["sessions"] == sum(w["conditions"]["sessions"] for w in windows)
    first, second = (window["splits"] for window in windows)
    assert first["train"] < first["validation"] < first["test"] < first["end"] <= second["test"]
    assert windows[1]["conditions"]["first"] >= first["end"]


def test_a_window_is_a_run_of_its_own_bars(walked, cli):
    folder, _ = walked
    run = folder / "window-01"
    market = RunFolder(run).config().market
    assert RunFolder(run).market().last_ns < utc_ns(market.end_utc)
    code, out, err = cli("evaluate", run, "--split", "validation")
    assert code == 0, err
    assert "agent (search)" in out


def test_what_comes_after_a_window_changes_nothing_in_it(walked, cli, config_file, tmp_path):
    folder, _ = walked
    end_ns = utc_ns(RunFolder(folder / "window-01").config().market.end_utc)
    bars = walk_bars(1500)
    rise = np.where(bars.open_time_ns >= end_ns, 1.05, 1.0)
    prices = {name: getattr(bars, name) * rise for name in ("open", "high", "low", "close")}
    with BarStore(tmp_path / "other.duckdb") as store:
        store.write(dataclasses.replace(bars, **prices))
    command = [part if part != "walk" else "other" for part in COMMAND]
    code, _, err = cli(*command, "--config", config_file, "--db", tmp_path / "other.duckdb")
    assert code == 0, err
    one, two = (
        RunFolder(tmp_path / name / "window-01").checkpoints.latest() for name in ("walk", "other")
    )
    assert one.name == two.name
    weights, others = checkpoints.load_weights(one), checkpoints.load_weights(two)
    for name, array in weights.items():
        np.testing.assert_array_equal(np.array(array), np.array(others[name]), err_msg=name)
    later = [RunFolder(tmp_path / name / "window-02").market().digest for name in ("walk", "other")]
    assert later[0] != later[1]


@pytest.mark.slow
def test_windows_go_on_where_they_were(cli, config_file, db, tmp_path):
    options = (*COMMAND, "--config", config_file, "--db", db, "--minutes", "0")
    code, _, err = cli(*options)
    assert code == 0, err  # no time: both windows report what they began with, and say so
    for number in (1, 2):
        assert f"walk/window-0{number} was never validated" in err
    saved = RunFolder(tmp_path / "walk" / "window-02").checkpoints.latest()
    code, _, err = cli("walk-forward", "--run", "walk", "--resume")
    assert code == 0
    assert "trained on" not in err
    assert RunFolder(tmp_path / "walk" / "window-02").checkpoints.latest() == saved


def test_mistakes(cli, config_file, db, walked):
    code, _, err = cli(*COMMAND, "--config", config_file, "--db", db)
    assert (code, "--resume" in err) == (5, True)
    code, _, err = cli("walk-forward", "--run", "nothing", "--resume")
    assert (code, "holds no walk-forward" in err) == (5, True)
    window = walked[0] / "window-01"
    inside = [part if part != "walk" else str(window) for part in COMMAND]
    code, _, err = cli(*inside, "--config", config_file, "--db", db)
    assert (code, "holds a training run. Choose another" in err) == (5, True)
    code, _, err = cli("walk-forward", "--run", window, "--db", "no.duckdb")
    assert (code, "holds a training run" in err) == (5, True), "before the market is looked at"
    code, _, err = cli("train", "--run", walked[0], "--config", config_file, "--db", db)
    assert (code, "holds a walk-forward. Choose another" in err) == (5, True)
    code, _, err = cli("evaluate", walked[0])
    assert (code, "each of its windows holds a run" in err) == (5, True)
    many = [part if part != "walk" else "many" for part in COMMAND]
    many[many.index("2")] = "40"
    code, _, err = cli(*many, "--config", config_file, "--db", db)
    assert (code, "choose fewer windows" in err) == (4, True)
    assert re.search(r"window 1 of 40, [-0-9]+ [:0-9]+ to [-0-9]+ [:0-9]+ UTC: ", err)
    assert not (walked[0].parent / "many").exists()


@pytest.mark.slow
def test_anchored_windows_begin_with_the_first_bar_and_are_one_configuration(
    cli, config_file, db, tmp_path
):
    options = ("--config", config_file, "--db", db, "--windows", 2, "--set", "train.episodes=4")
    code, out, err = cli("walk-forward", "--run", tmp_path / "walk", "--anchored", *options)
    assert code == 0, err
    assert out.startswith("Verdict: ")
    first, second = (
        RunFolder(tmp_path / "walk" / name).config().market for name in ("window-01", "window-02")
    )
    assert first.first_utc == second.first_utc
    assert first.end_utc < second.end_utc
    tables = tmp_path / "tables"
    resumed = ("walk-forward", "--run", tmp_path / "walk", "--resume", "--json", "--csv", tables)
    code, out, _ = cli(*resumed)
    assert code == 0
    windows = {line.split(",")[0] for line in (tables / "trades.csv").read_text().splitlines()}
    assert windows == {"window", "1", "2"}
    dates = [line.split(",")[0] for line in (tables / "returns.csv").read_text().splitlines()]
    assert dates == ["date", *sorted(set(dates[1:]))], "one row a day"
    found = json.loads(out)
    assert found["luck"]["verdict"]["call"] in ("not shown", "loses", "too short")
    assert found["windows"][1]["conditions"]["looks"]["tried"] == 1
    code, _, _ = cli("walk-forward", "--run", tmp_path / "walk", "--resume", "--anchored")
    assert code == 2
