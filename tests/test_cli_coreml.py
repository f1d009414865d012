"""The verbs that play exports: evaluate, tree and train."""

import json
import shutil
import sys

import pytest

from mlx_muzero import config_toml
from test_cli import mistake
from test_cli_tree import AT

SHORT = ("--split", "validation", "--sessions", "1", "--json")
SIM = ("--backend", "coreml-sim")


@pytest.fixture
def exported(trained, cli, tmp_path_factory):
    """A trained run with its export, made once: every such run has the same weights."""
    made = tmp_path_factory.getbasetemp() / "cli-export"
    if not made.exists():
        code, _, err = cli("export", trained, "--batch", "4")
        assert code == 0, err
        (trained / "export").rename(made)
    shutil.copytree(made, trained / "export")
    return trained


def test_evaluate_plays_the_export_and_says_so(exported, cli):
    code, out, err = cli("evaluate", exported, *SHORT, *SIM)
    assert code == 0
    assert "engine" not in err
    assert json.loads(out)["backend"] == "coreml-sim"


def test_without_coremltools_the_reason_is_said_and_another_backend_plays(
    exported, cli, monkeypatch, tmp_path
):
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "coremltools.py").write_text("raise ImportError('not there')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "none"))
    code, out, err = cli("evaluate", exported, *SHORT, *SIM)
    assert code == 0
    assert json.loads(out)["backend"] == "native"
    (line,) = [line for line in err.splitlines() if "engine lost" in line]
    assert "pip install 'mlx-muzero[coreml]'" in line
    assert line.endswith("; going on with native")


def test_tree_shows_the_search_of_an_export_elsewhere(exported, cli, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (exported / "export").rename(elsewhere)
    arguments = ("tree", exported, "--at", AT, "--json", *SIM)
    mistake(cli(*arguments), 8, "holds no export", "mlx-muzero export")
    code, out, err = cli(*arguments, "--export", elsewhere)
    assert (code, err) == (0, "")
    native = json.loads(cli("tree", exported, "--at", AT, "--json", "--backend", "native")[1])
    assert json.loads(out)["visits"] == native["visits"]


def test_an_export_of_another_checkpoint_is_refused(exported, cli):
    config = exported / "config.toml"
    config.write_text(config.read_text().replace("episodes = 4 ", "episodes = 8 "))
    assert cli("train", "--run", exported, "--resume")[0] == 0
    result = cli("evaluate", exported, *SHORT, *SIM, "--checkpoint", "latest")
    mistake(result, 8, "stale", "mlx-muzero export")


def test_the_collectors_options_are_settings_of_the_run(cli, config_file, db, tmp_path):
    begin = ("train", "--run", "run", "--config", config_file, "--db", db)
    options = ("--collector-backend", "coreml-sim", "--refresh-every", "32")
    code, _, err = cli(*begin, *options, "--minutes", "0")
    assert code == 0, err
    collect = config_toml.load(tmp_path / "run" / "config.toml").collect
    assert (collect.backend, collect.refresh_steps) == ("coreml-sim", 32)
    code, _, err = cli("train", "--run", "run", "--resume", *options)
    assert code == 2
    assert "a resumed run keeps its configuration" in err


@pytest.mark.skipif(sys.platform == "darwin", reason="there it works")
def test_core_ml_elsewhere_is_one_line_and_no_run(cli, config_file, db, tmp_path):
    begin = ("train", "--run", "run", "--config", config_file, "--db", db)
    mistake(cli(*begin, "--collector-backend", "coreml"), 3, "collect.backend", "needs macOS")
    mistake(cli(*begin, "--set", "search.backend=coreml"), 3, "search.backend", "collect.backend")
    assert not (tmp_path / "run").exists()
