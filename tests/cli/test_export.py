"""`mlx-muzero export` and `mlx-muzero verify`: a trained run's programs, and what is refused."""

import json
import shutil
import sys

import mlx.core as mx
import numpy as np
import pytest

from command_mistakes import mistake
from exports import BARE, passed, run_config, trading_model
from factored_models import factored_config, randomized
from markets import MINUTE_NS, MONDAY_NS, walk_bars
from mlx_muzero.config.toml import override
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.experiment.trained_run import load_run
from mlx_muzero.exports.export import export
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.weights import weights_of
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.profiling.subject import run_subject
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.training.checkpoint import Checkpoint
from mlx_muzero.training.models import build_factored
from mlx_muzero.training.run import MarketRecord, RunFolder, schema
from muzero_cli.display import progress

COREML = ("--format", "coreml")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with a checkpoint of random weights, and the store of its bars."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    store = folder.with_name("market.duckdb")
    with BarStore(store) as opened:
        opened.write(walk_bars(1500))
    model = trading_model(**BARE)
    saved_run(folder, store, model, run_config(model))
    return folder


def saved_run(folder, store, model, config):
    """A run with one checkpoint, of `model`."""
    begun = RunFolder(folder)
    dataset = MarketDataset.from_bars(walk_bars(1500), config.market)
    begun.begin(config, MarketRecord.of(store, dataset))
    weights = {name: mx.array(array) for name, array in weights_of(model).items()}
    checkpoint = Checkpoint(weights, {}, {}, schema(config, FX_ACTIONS))
    begun.checkpoints.save("000001-episode-000004", checkpoint, best=True)


@pytest.fixture(scope="module")
def factored_run(run, small_config):
    """The same of a factored model."""
    folder, config = run.with_name("factored"), factored_config(small_config)
    model = randomized(build_factored(config, FX_ACTIONS))
    saved_run(folder, run.with_name("market.duckdb"), model, config)
    return folder


@pytest.fixture(scope="module")
def told_run(run, small_config):
    """The same, where worth depends on the cost and on the bars and entries left."""
    told = ["train.cost_low_pips=1", "train.cost_high_pips=8", "trading.max_entries=2"]
    folder, config = run.with_name("told"), override(factored_config(small_config), told)
    model = randomized(build_factored(config, FX_ACTIONS))
    saved_run(folder, run.with_name("market.duckdb"), model, config)
    return folder


@pytest.mark.slow
def test_a_run_that_is_told_its_rules_is_exported_verified_and_played(told_run, cli):
    code, out, err = cli("export", told_run, *COREML, "--batch", "16", "--precision", "fp32")
    assert code == 0, err
    assert "root usual_worth" in out
    again = cli("verify", told_run / "export")
    assert again == (0, out, again[2])
    for cost in (1.0, 6.0):
        ours, theirs = (earned(told_run, backend, cost) for backend in ("coreml-sim", "native"))
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def earned(run, backend, cost):
    """``f64[sessions, bars]`` equity of two sessions."""
    loaded = load_run(run, "best", None, backend=backend, cost=cost)
    agent, starts = loaded.agent(), loaded.dataset.evaluation_starts("test", 2)
    try:
        return backtest(SearchPolicy(agent, 12), loaded.dataset, loaded.rules, starts).equity_pips
    finally:
        agent.close()


def test_a_factored_run_is_exported_verified_and_played(factored_run, cli):
    code, out, err = cli("export", factored_run, *COREML, "--batch", "16")
    assert code == 0, err
    for words in ("interpreter: within bounds", "root worth", "step move", "after steps", "moves"):
        assert words in out
    assert "2 programs for Core ML, exported and verified in " in err.splitlines()[-1]
    again = cli("verify", factored_run / "export")
    assert again == (0, out, again[2])
    assert run_subject(factored_run).exports == {"coreml": factored_run / "export"}
    at = ("--at", utc_text(MONDAY_NS + 1000 * MINUTE_NS))
    played = [
        cli("tree", factored_run, *at, "--json", "--backend", backend)
        for backend in ("coreml-sim", "native")
    ]
    assert [code for code, *_ in played] == [0, 0], played
    by_programs, by_cpp = (json.loads(out) for _, out, _ in played)
    assert by_programs["visits"] == by_cpp["visits"]
    assert by_programs["action"] == by_cpp["action"]


@pytest.fixture(scope="module")
def exported_once(run):
    """The run, exported."""
    loaded = load_run(run, "best", None)
    options = ExportOptions(batches=(1, 16))
    arguments = (weights_of(loaded.model), loaded.config, loaded.checkpoint, run / "export")
    export(*arguments, passed, options)
    return run


@pytest.fixture
def exported(exported_once, tmp_path):
    """The export of a copy of the run."""
    shutil.copytree(exported_once, tmp_path / "run")
    return tmp_path / "run" / "export"


@pytest.mark.slow
def test_a_trained_run_is_exported_and_verified(trained, cli):
    code, out, err = cli("export", trained, *COREML, "--batch", "16,1")
    assert code == 0, err
    for words in ("interpreter: within bounds", "recurrent value_logits", "after steps", "50"):
        assert words in out
    assert "searches of 25 simulations: the same action in 100.0%" in out
    last = err.splitlines()[-1]
    assert f"{trained / 'export'}: checkpoint 00000" in last
    assert "4 programs for Core ML, exported and verified in " in last
    again = cli("verify", trained / "export")
    assert again[0] == 0
    assert again[1] == out


@pytest.mark.slow
def test_the_figures_as_json(exported, cli):
    code, out, _ = cli("verify", exported, "--json")
    assert code == 0
    figures = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name}: no JSON"))
    (engine,) = figures["engines"]
    assert (engine["engine"], engine["problems"]) == ("sim", [])
    assert engine["agreement"]["rate"] >= 0.99
    assert engine["agreement"]["decisions"] == figures["samples"]
    code, out, _ = cli(
        "export", exported.parent, *COREML, "--batch", "16", "--json", "--precision", "fp32"
    )
    assert code == 0
    manifest = json.loads(out)
    assert manifest["export"] == str(exported)
    assert manifest["precision"] == "fp32"
    assert [program["rows"] for program in manifest["programs"]] == [16, 16]
    assert manifest["verification"]["engines"][0]["problems"] == []


@pytest.mark.slow
def test_every_way_of_exporting(exported, cli):
    options = [*COREML, "--batch", "16", "--layer-norm", "decomposed", "--multifunction"]
    code, _, err = cli("export", exported.parent, *options)
    assert code == 0, err
    assert sorted(p.name for p in exported.iterdir()) == ["manifest.json", "programs.mlpackage"]
    assert cli("verify", exported)[0] == 0


def test_an_export_that_was_changed_does_not_pass(exported, cli):
    path = next(exported.rglob("weight.bin"))
    path.write_bytes(path.read_bytes()[::-1])
    mistake(cli("verify", exported), 8, "weight.bin is changed since it was exported")


def test_what_an_export_only_points_to_is_no_part_of_it(exported, cli):
    path = next(exported.rglob("weight.bin"))
    path.rename(exported.parent / "weight.bin")
    path.symlink_to(exported.parent / "weight.bin")
    mistake(cli("verify", exported), 8, f"{path}: ", "is a symbolic link, which is not followed")


def test_an_export_of_a_checkpoint_no_longer_kept_says_so(exported, cli):
    checkpoint = json.loads((exported / "manifest.json").read_text())["checkpoint"]
    (exported.parent / "checkpoints" / checkpoint).rename(exported.parent / "elsewhere")
    mistake(cli("verify", exported), 5, "no longer has checkpoint", checkpoint)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["export", "none"], 5, ["none holds no run"]),
        (["verify", "none"], 8, ["none holds no export", "mlx-muzero export"]),
    ],
)
def test_what_is_not_there_is_one_sentence(cli, arguments, code, words):
    mistake(cli(*arguments), code, *words)


@pytest.mark.parametrize("batch", ["", "0", "1,,2", "-3", "1.5", "many"])
def test_a_batch_that_is_no_number_is_wrong_usage(cli, batch):
    code, out, err = cli("export", "run", "--batch", batch)
    assert (code, out) == (2, "")
    assert "write whole numbers" in err


def test_without_coremltools_the_remedy_is_named(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "coremltools", None)
    mistake(cli("export", "run", *COREML), 8, "pip install 'mlx-muzero[coreml]'")


@pytest.mark.slow
def test_progress_is_told_where_there_is_no_terminal(exported, cli, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    code, _, err = cli("export", exported.parent, *COREML, "--batch", "16")
    assert code == 0
    lines = err.splitlines()
    assert lines[0].startswith("exporting checkpoint 000001-episode-000004: programs 1, ")
    assert any(line.startswith("verifying: calls of programs 2, ") for line in lines)
    code, _, err = cli("verify", exported)
    assert code == 0
    assert "verifying checkpoint 000001-episode-000004: calls 3, " in err
