"""Runs whose files are damaged, another run's or another version's: told of, never a traceback."""

import json
import shutil

import duckdb
import pytest

from mlx_muzero.training.checkpoint import WEIGHTS
from releases import OLDEST, unpack

FX, PAPER = "runs/fx", "runs/paper-stopped"
RESUME = ("train", "--run", FX, "--resume", "--minutes", "0")
EVALUATE = ("evaluate", FX, "--sessions", "1")
START, REPORT, PARITY = (
    ("paper", "start", "--run", PAPER),
    ("paper", "report", PAPER),
    ("paper", "parity", PAPER),
)


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return unpack(OLDEST, tmp_path_factory.mktemp("release"))


@pytest.fixture
def desk(release, tmp_path, cli):
    shutil.copytree(release, tmp_path, dirs_exist_ok=True)
    return tmp_path


def refused(cli, command, *words):
    code, out, err = cli(*command)
    assert (code, out) == (5, ""), err
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    for word in words:
        assert word in line


def newest(desk):
    return sorted((desk / FX / "checkpoints").iterdir())[-1]


def damage_state(checkpoint, **changes):
    state = json.loads((checkpoint / "state.json").read_text())
    (checkpoint / "state.json").write_text(json.dumps(state | changes))


def test_an_empty_replay_file(desk, cli):
    (newest(desk) / "replay.npz").write_bytes(b"")
    refused(
        cli, RESUME, newest(desk).name, "Remove that folder to resume from the checkpoint before"
    )


@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_the_checkpoint_that_a_session_plays_cannot_be_done_without(desk, cli, harm):
    """The one before it would not do: a session keeps what it was begun with."""
    checkpoint = desk / "runs" / "finished" / "checkpoints" / "000002-episode-000008"
    if harm == "gone":
        checkpoint.rename(desk / "elsewhere")
    else:
        (checkpoint / WEIGHTS).write_bytes(b"?")
    code, _, err = cli(*START)
    assert code == 5
    assert checkpoint.name in err
    assert "restore that folder from a copy" in err
    assert "Remove that folder" not in err


@pytest.mark.parametrize("command", [RESUME, EVALUATE])
def test_a_checkpoint_of_another_version(desk, cli, command):
    damage_state(newest(desk), format=99)
    refused(cli, command, "checkpoint format 99", "Use the version that wrote it")


@pytest.mark.parametrize("best", [17, "../../finished/checkpoints/000003-episode-000012", [], ""])
def test_a_best_checkpoint_that_is_no_name_of_one(desk, cli, best):
    damage_state(newest(desk), best=best)
    refused(cli, EVALUATE, "cannot read this checkpoint", "the best checkpoint")


def test_a_checkpoint_whose_state_is_no_object(desk, cli):
    (newest(desk) / "state.json").write_text("[]")
    refused(cli, EVALUATE, "state.json is not a JSON object")


@pytest.mark.parametrize("command", [REPORT, PARITY])
def test_the_store_of_another_session(desk, cli, command):
    shutil.copy(desk / "runs" / "paper-crypto" / "store.duckdb", desk / PAPER / "store.duckdb")
    refused(cli, command, "belongs to another session", "BTCUSDT", "USDJPY", "Put back")


@pytest.mark.parametrize("command", [START, REPORT, PARITY])
def test_a_bar_store_in_the_place_of_an_account(desk, cli, command):
    shutil.copy(desk / "data" / "market.duckdb", desk / PAPER / "store.duckdb")
    refused(cli, command, "store.duckdb", "not a paper-session store")


@pytest.mark.parametrize("command", [START, REPORT, PARITY])
def test_rows_of_an_account_that_are_none(desk, cli, command):
    with duckdb.connect(str(desk / PAPER / "store.duckdb")) as db:
        db.execute("update transactions set rows = '[]'")
    refused(cli, command, "it is damaged", "transaction without tables")


def test_a_journal_that_is_anybodys(desk, cli):
    with (desk / PAPER / "journal.jsonl").open("a") as journal:
        journal.write('{"event": "minute"}\n{"event": "minute", "simulations": 4}\n')
    code, _, err = cli(*REPORT)
    assert code == 0, err


def test_a_paper_folder_is_not_trained_in_nor_a_training_traded(desk, cli):
    refused(cli, ("train", "--run", PAPER, "--config", "fx.toml"), PAPER, "paper session")
    assert not (desk / PAPER / "config.toml").exists()
    refused(cli, ("paper", "start", "--run", FX, "--model", "runs/finished"), FX, "training run")
    assert not (desk / FX / "paper.toml").exists()
