"""The command line: exit codes, one line for a mistake, data on stdout, narration on stderr."""

import dataclasses
import importlib.metadata
import json
import shutil

import mlx.core as mx
import pytest

from command_mistakes import mistake
from markets import walk_bars
from mlx_muzero import __version__, errors
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import FX_SMALL
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.runlog import journal
from mlx_muzero.training.run import RunFolder
from muzero_cli import main
from muzero_cli.verbs import status


def test_every_error_has_its_own_documented_exit_code():
    # A `SymbolError` is a `DataError` and ends as one.
    kinds = [kind for kind in vars(errors).values() if "exit_code" in getattr(kind, "__dict__", {})]
    codes = {kind.exit_code for kind in kinds}
    assert len(codes) == len(kinds)
    for code in codes - {errors.MuZeroError.exit_code}:
        assert f"{code} " in main.__doc__
        assert f"{code} " in main.app.info.epilog


@pytest.mark.parametrize(
    "kind", [k for k in vars(errors).values() if isinstance(k, type)], ids=lambda k: k.__name__
)
def test_an_error_ends_in_its_code_with_its_whole_message(cli, monkeypatch, kind):
    """Brackets in it are no markup, and a long line is not wrapped."""
    message = "write [market], then [/] its keys below; " + "x" * 300

    def fail(**_):
        raise kind(message)

    monkeypatch.setattr(main, "app", fail)
    assert cli() == (kind.exit_code, "", f"error: {message}\n")


def test_wrong_usage_is_2_and_shows_the_usage(cli):
    code, out, err = cli("train")
    assert (code, out) == (2, "")
    assert "--run" in err


def test_the_shown_configuration_is_valid(cli, tmp_path):
    given = ("--set", "train.episodes=7", "--set", "market.symbol=eur/czk")
    code, out, err = cli("config", "show", *given)
    assert (code, err) == (0, "")
    (tmp_path / "shown.toml").write_text(out)
    assert cli("config", "validate", "shown.toml") == (0, "shown.toml: valid\n", "")
    shown = config_toml.load(tmp_path / "shown.toml")
    assert shown == dataclasses.replace(
        FX_SMALL,
        market=dataclasses.replace(FX_SMALL.market, symbol="EURCZK", pip_size=0.001),
        train=dataclasses.replace(FX_SMALL.train, episodes=7),
    )


def test_a_pip_is_the_symbols_unless_it_is_said(cli, tmp_path):
    (tmp_path / "silver.toml").write_text('[market]\nsymbol = "XAGUSD"\n')
    (tmp_path / "said.toml").write_text('[market]\nsymbol = "XAGUSD"\npip_size = 0.001\n')
    shown = ("config", "show", "--json")
    for given, pip in (
        (("--config", "silver.toml"), 0.01),
        (("--config", "said.toml"), 0.001),
        (("--config", "silver.toml", "--set", "market.symbol=EURUSD"), 0.0001),
        (("--set", "market.symbol=X", "--set", "market.pip_size=0.5"), 0.5),
    ):
        assert json.loads(cli(*shown, *given)[1])["market"]["pip_size"] == pip
    mistake(
        cli("config", "show", "--set", "market.symbol=X"),
        4,
        "data instrument X --calendar HOURS --pip PRICE",
    )


def test_the_configuration_as_json(cli):
    code, out, _ = cli("config", "show", "--json")
    assert code == 0
    assert json.loads(out) == json.loads(json.dumps(dataclasses.asdict(FX_SMALL)))


def test_a_wrong_key_names_the_nearest(cli, tmp_path):
    (tmp_path / "wrong.toml").write_text("[search]\nnum_simulation = 3\n")
    result = cli("config", "validate", "wrong.toml")
    mistake(result, 3, "wrong.toml:2", "search.num_simulation", "did you mean num_simulations?")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["config", "show", "--preset", "no"], 3, ["no preset named 'no'", "fx_micro"]),
        (["config", "validate", "none.toml"], 3, ["none.toml"]),
        (["train", "--run", "r", "--set", "train.batch_siz=1"], 3, ["did you mean batch_size"]),
        (
            ["config", "show", "--set", "market.first_utc=2024/02/01"],
            3,
            ["'2024/02/01' with market.end_utc = '': write times as 2015-01-01"],
        ),
        (
            ["config", "show", "--set", "search.planner=sampling"],
            3,
            ["'sampling' with model.kind = 'muzero'", "only a factored one has the choice"],
        ),
        (["train", "--run", "r", "--db", "no.duckdb"], 4, ["no.duckdb", "import"]),
        (["train", "--run", "r", "--resume"], 5, ["r holds no run"]),
        (["evaluate", "r"], 5, ["r holds no run"]),
        (["data", "list", "--db", "no.duckdb"], 4, ["no.duckdb"]),
        (["data", "check", "X", "--db", "no.duckdb"], 4, ["no.duckdb"]),
    ],
)
def test_a_mistake_is_one_line_with_its_code(cli, arguments, code, words):
    mistake(cli(*arguments), code, *words)


def test_an_unknown_symbol_is_named_with_those_there_are(cli, db):
    mistake(cli("train", "--run", "r", "--symbol", "EURUSD", "--db", db), 4, "EURUSD", "TEST")


def test_a_run_that_is_there_already_is_what_is_told_first(cli, trained):
    """Not the market of a preset that nobody asked for."""
    mistake(cli("train", "--run", trained), 5, "already holds a run. Add --resume")


@pytest.mark.parametrize(
    ("change", "code"),
    [("model.parameters=1", 3), ("market.session_bars=5000", 4), ("search.expansion=no", 3)],
)
def test_a_run_that_cannot_begin_leaves_no_folder(cli, config_file, db, tmp_path, change, code):
    arguments = ["train", "--run", "r", "--config", config_file, "--db", db, "--set", change]
    mistake(cli(*arguments), code)
    assert not (tmp_path / "r").exists()


def test_training_narrates_on_stderr_only(trained, cli):
    code, out, err = cli("train", "--run", trained, "--resume")
    assert (code, out) == (0, "")
    assert f"mlx-muzero evaluate {trained} --split test" in err


def test_a_run_is_not_begun_twice(trained, cli, config_file, db):
    result = cli("train", "--run", trained, "--config", config_file, "--db", db)
    mistake(result, 5, "already holds a run", "--resume")


def test_a_resumed_run_keeps_its_configuration(trained, cli):
    code, _, err = cli("train", "--run", trained, "--resume", "--set", "train.episodes=9")
    assert code == 2
    assert "keeps its configuration" in err


def test_auto_is_settled_when_a_run_begins(cli, config_file, db, tmp_path):
    code, _, err = cli(
        "train", "--run", "r", "--config", config_file, "--db", db, "--minutes", "0",
        "--set", "search.backend=auto",
    )  # fmt: skip
    assert code == 0, err
    backend = RunFolder(tmp_path / "r").config().search.backend
    assert backend in ("native", "mlx")
    assert f"search backend: {backend}" in err


def test_a_run_says_what_it_trains_on_and_a_missing_gpu_is_refused(
    cli, config_file, db, tmp_path, monkeypatch
):
    monkeypatch.setattr(mx, "is_available", lambda device: device.type == mx.DeviceType.cpu)
    train = ("train", "--run", "run", "--config", config_file, "--db", db, "--minutes", "0")
    mistake(cli(*train, "--device", "gpu"), 3, "MLX has no GPU here", "--device cpu")
    assert not (tmp_path / "run").exists()
    code, _, err = cli(*train, "--device", "cpu")
    assert code == 0, err
    assert next(journal.read(tmp_path / "run" / "journal.jsonl"))["device"] == "cpu"
    config = tmp_path / "run" / "config.toml"
    assert 'device = "cpu"' in config.read_text()

    config.write_text(config.read_text().replace('device = "cpu"', 'device = "gpu"'))
    resume = ("train", "--run", "run", "--resume", "--minutes", "0")
    mistake(cli(*resume), 3, "MLX has no GPU here")
    code, _, err = cli(*resume, "--device", "cpu")
    assert code == 0, err
    assert "started with train.device gpu" in err


def test_a_run_that_names_no_backend_is_not_resumed(trained, cli):
    path = trained / "config.toml"
    path.write_text(path.read_text().replace('backend = "native"', 'backend = "auto"'))
    mistake(cli("train", "--run", trained, "--resume"), 3, "search.backend", 'name "native"')


def test_a_run_resumed_on_other_bars_is_refused(trained, cli, db):
    with BarStore(db) as store:
        store.remove("TEST")
        store.write(walk_bars(1500, seed=1))
    mistake(cli("train", "--run", trained, "--resume"), 5, "different")
    mistake(cli("evaluate", trained), 5, "different")


def test_a_run_may_have_brackets_in_its_name(cli, config_file, db):
    name = "my [bold] run"
    code, _, err = cli(
        "train", "--run", name, "--config", config_file, "--db", db, "--minutes", "0"
    )
    assert code == 0
    assert "saved after 0 episodes, before the first validation (after" in err
    assert f"mlx-muzero train --run '{name}' --resume" in err


def test_minutes_end_training_with_a_checkpoint(cli, config_file, db, tmp_path):
    code, out, err = cli(
        "train", "--run", "r", "--config", config_file, "--db", db, "--minutes", "0.005",
        "--set", "train.episodes=100000",
    )  # fmt: skip
    assert (code, out) == (0, "")
    assert "resume with: mlx-muzero train --run r --resume" in err
    judged = RunFolder(tmp_path / "r").checkpoints.validated
    assert ("before the first validation" in err) != judged
    assert RunFolder(tmp_path / "r").checkpoints.latest() is not None


def test_evaluate_without_a_checkpoint(cli, config_file, db):
    cli("train", "--run", "r", "--config", config_file, "--db", db, "--minutes", "0")
    shutil.rmtree("r/checkpoints")
    mistake(cli("evaluate", "r"), 5, "no best checkpoint yet")


def test_evaluate_prints_a_table_or_json(trained, cli):
    options = ("evaluate", trained, "--sessions", "2", "--split", "validation")
    code, out, err = cli(*options)
    assert (code, err.strip()) == (0, "")
    assert "agent (search)" in out
    assert "TEST, validation split" in out
    code, out, _ = cli(*options, "--json", "--simulations", "2", "--checkpoint", "latest")
    assert code == 0
    report = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert report["conditions"]["sessions"] == 2
    assert report["checkpoint"] == RunFolder(trained).checkpoints.latest().name
    assert report["expected_best_pips_per_session"] is None
    assert "perfect_foresight" in report["policies"]


def test_only_a_full_comparison_takes_several_simulations_and_draws(trained, cli):
    for wrong in (("--simulations", "2", "--simulations", "3"), ("--png", "plots")):
        code, _, err = cli("evaluate", trained, *wrong)
        assert (code, "only --compare" in err) == (2, True)


@pytest.mark.slow
def test_doctor_reports_json(cli):
    code, out, err = cli("doctor", "--json")
    assert (code, err) == (0, "")
    assert {"mlx", "duckdb"} <= {check["name"] for check in json.loads(out)}


def test_synthetic_bars_are_made_and_listed(cli):
    code, out, err = cli("data", "synth", "random_walk", "--days", "1", "--db", "s.duckdb")
    assert (code, err) == (0, "")
    assert out.startswith("RANDOM_WALK: 1,440 bars")
    code, out, _ = cli("data", "list", "--db", "s.duckdb", "--json")
    (listed,) = json.loads(out)["symbols"]
    assert (listed["symbol"], listed["bars"], listed["synthetic"]) == ("RANDOM_WALK", 1440, True)


def test_synthetic_bars_never_replace_real_ones(cli, db):
    def bars():
        with BarStore(db, read_only=True) as store:
            return store.load("TEST").close.tolist()

    before = bars()
    synth = ("data", "synth", "random_walk", "--days", "1", "--db", db, "--symbol")
    mistake(cli(*synth, "TEST"), 4, "real bars of TEST")
    assert bars() == before
    assert cli(*synth, "MINE")[0] == cli(*synth, "MINE", "--seed", "2")[0] == 0


def test_the_version(cli):
    assert cli("--version") == (0, f"mlx-muzero {__version__}\n", "")
    installed = importlib.metadata.version("mlx-muzero")
    assert installed == __version__


def test_status_says_facts_in_a_list_as_text():
    bins = [{"low": 0.2, "count": 3}, {"low": 0.4, "count": None}]
    assert status.as_text({"calibration": bins}).split(maxsplit=1) == [
        "calibration",
        "low 0.2, count 3; low 0.4, count None",
    ]
