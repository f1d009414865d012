"""The verbs that play exports: evaluate, tree and train."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from command_mistakes import mistake
from markets import MINUTE_NS, MONDAY_NS, walk_bars
from mlx_muzero.config import toml as config_toml
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.runlog import journal

SHORT = ("--split", "validation", "--sessions", "1")
SIM = ("--backend", "coreml-sim")

AT = utc_text(MONDAY_NS + 1000 * MINUTE_NS)


@pytest.fixture
def exported(trained, cli, tmp_path_factory):
    """A trained run with its export, made once: every such run has the same weights."""
    made = tmp_path_factory.getbasetemp() / "cli-export"
    if not made.exists():
        code, _, err = cli("export", trained, "--format", "coreml", "--batch", "4")
        assert code == 0, err
        (trained / "export").rename(made)
    shutil.copytree(made, trained / "export")
    return trained


@pytest.mark.slow
def test_evaluate_plays_the_export_and_says_so(exported, cli):
    code, out, err = cli("evaluate", exported, *SHORT, *SIM, "--json")
    assert code == 0
    assert "engine" not in err
    assert json.loads(out)["backend"] == "coreml-sim"


@pytest.mark.slow
def test_evaluate_plays_roots_on_the_export_and_says_so(exported, cli):
    roots = ("--backend", "native", "--root-backend", "coreml-sim")
    code, out, err = cli("evaluate", exported, *SHORT, *roots)
    assert code == 0
    assert "engine" not in err
    assert "backend native (roots: coreml-sim)" in out


@pytest.mark.slow
def test_a_paper_session_records_what_evaluates_roots_and_repeats_exactly(exported, cli, db):
    with BarStore(db) as store:
        store.write(walk_bars(240, 0, "USDJPY"))
    start = ("paper", "start", "--model", exported, "--pairs", "USDJPY", "--db", db, "--run", "p")
    roots = ("--backend", "native", "--root-backend", "coreml-sim")
    code, _, err = cli(*start, *roots)
    assert code == 0, err
    assert "backend native (roots: coreml-sim)" in err
    events = journal.read(Path("p/journal.jsonl"))
    played = {(e["backend"], e["root_backend"]) for e in events if e["event"] == "minute"}
    assert played == {("native", "coreml-sim")}
    code, out, err = cli("paper", "parity", "p", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["exact"]
    assert found["rounding"]["decisions"] == 0
    mistake(cli(*start, "--root-backend", "mlx"), 5, "another --root-backend")


@pytest.mark.slow
def test_slow_programs_give_way_and_each_minute_is_repeated_by_what_decided_it(exported, cli, db):
    with BarStore(db) as store:
        store.write(walk_bars(240, 0, "USDJPY"))
    start = ("paper", "start", "--model", exported, "--pairs", "USDJPY", "--db", db, "--run", "p")
    code, _, err = cli(*start, *SIM, "--set", "timing.deadline_ms=1", "--simulations", "16")
    assert code == 0, err
    assert "takes over until the session is started again" in " ".join(err.split())
    events = list(journal.read(Path("p/journal.jsonl")))
    (moved,) = [event for event in events if event["event"] == "backend_moved"]
    assert moved["played"] == "coreml-sim (roots: mlx)"
    played = [e["backend"] for e in events if e["event"] == "minute" and e["simulations"]]
    assert played == ["coreml-sim"] * 15 + [moved["backend"]] * (len(played) - 15)
    assert len(played) > 20
    code, out, err = cli("paper", "parity", "p", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["exact"]
    assert found["rounding"]["decisions"] == 0
    assert json.loads(cli("status", "p", "--json")[1])["last_notice"]["reason"] == moved["reason"]


@pytest.fixture
def without_coremltools(monkeypatch, tmp_path):
    """No process begun from here finds coremltools."""
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "coremltools.py").write_text("raise ImportError('not there')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "none"))


@pytest.mark.slow
@pytest.mark.usefixtures("without_coremltools")
def test_without_coremltools_the_reason_is_said_and_another_backend_plays(exported, cli):
    code, out, err = cli("evaluate", exported, *SHORT, *SIM, "--json")
    assert code == 0
    assert json.loads(out)["backend"] == "native"
    (line,) = [line for line in err.splitlines() if "engine lost" in line]
    assert "pip install 'mlx-muzero[coreml]'" in line
    assert line.endswith("; continuing with native")


@pytest.mark.slow
@pytest.mark.usefixtures("without_coremltools")
def test_a_paper_session_tells_and_keeps_what_it_could_not_load(exported, cli, db):
    with BarStore(db) as store:
        store.write(walk_bars(240, 0, "USDJPY"))
    code, _, err = cli(
        *("paper", "start", "--model", exported, "--pairs", "USDJPY", "--db", db, "--run", "p"),
        *SIM,
    )
    assert code == 0, err
    (line,) = [line for line in err.splitlines() if line.startswith("engine lost")]
    assert line.endswith("; continuing with native")
    assert f"fault: evaluator: {line}" in err
    assert "backend native" in err
    events = list(journal.read(Path("p/journal.jsonl")))
    assert (events[0]["backend"], events[0]["backend_wanted"]) == ("native", "coreml-sim")
    (fault,) = [event for event in events if event["event"] == "fault"]
    assert (fault["what"], fault["reason"]) == ("evaluator", line)
    status = json.loads(cli("status", "p", "--json")[1])
    assert status["last_notice"] == fault
    assert status["minute"]["backend"] == "native"


@pytest.mark.slow
def test_tree_shows_the_search_of_an_export_elsewhere(exported, cli, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (exported / "export").rename(elsewhere)
    arguments = ("tree", exported, "--at", AT, *SIM)
    mistake(cli(*arguments), 8, "holds no export", "mlx-muzero export")
    code, out, err = cli(*arguments, "--json", "--export", elsewhere)
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
