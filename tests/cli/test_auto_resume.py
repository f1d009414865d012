"""`train --auto-resume`: one command begins a run, goes on with it, and leaves it when done."""

import json

import pytest

from mlx_muzero.errors import RunError, StorageError
from mlx_muzero.experiment.stop_switch import StopSwitch
from mlx_muzero.runlog import journal
from mlx_muzero.training.run import RunFolder
from runs import at_poll

EPISODES = ("--set", "train.episodes=4")


@pytest.fixture
def train(cli, config_file, db):
    def run(*arguments):
        begin = ("train", "--run", "run", "--config", config_file, "--db", db, "--auto-resume")
        return cli(*begin, *arguments)

    return run


def events(tmp_path):
    return [event["event"] for event in journal.read(tmp_path / "run" / "journal.jsonl")]


@pytest.mark.slow
def test_a_run_begins_goes_on_and_is_left_when_it_is_finished(train, tmp_path, monkeypatch):
    poll = at_poll(40)
    with monkeypatch.context() as patched:
        patched.setattr(StopSwitch, "requested", lambda _: poll())
        code, out, err = train("--json")
    assert code == 0, err
    assert json.loads(out)["finished"] is False
    code, out, err = train("--json")
    assert code == 0, err
    assert json.loads(out)["finished"] is True
    told = events(tmp_path)
    assert (told.count("resumed"), told[-1]) == (1, "finished")
    newest = RunFolder(tmp_path / "run").checkpoints.latest().name
    assert json.loads(out)["checkpoints"]["latest"] == newest
    again = train("--json")
    assert again[:2] == (0, out)
    assert "done; next: mlx-muzero evaluate run --split test" in again[2]
    assert events(tmp_path) == told, "nothing is done"


def test_what_the_store_was_told_of_a_symbol_settles_its_pip_every_time(cli, train, db):
    assert cli("data", "instrument", "TEST", "--calendar", "fx", "--pip", "0.1", "--db", db)[0] == 0
    for _ in range(2):
        code, _, err = train("--minutes", "0", "--symbol", "TEST")
        assert code == 0, err
        assert "4 pips of 0.1, " in err


def test_another_configuration_is_refused_with_every_key(train, tmp_path):
    assert train("--minutes", "0")[0] == 0
    code, _, err = train("--set", "train.batch_size=16", "--set", "search.num_simulations=5")
    assert code == RunError.exit_code
    assert "train.batch_size is 8 there, 16 here" in err
    assert "search.num_simulations is 4 there, 5 here" in err
    assert "--resume" in err


def test_a_backend_settled_at_the_begin_is_the_same_configuration(train):
    settled = ("--set", "search.backend=auto")
    assert train("--minutes", "0", *settled)[0] == 0
    code, _, err = train("--minutes", "0", *settled)
    assert code == 0, err


def test_it_is_not_both(train):
    assert train("--resume")[0] == 2


def test_a_full_disk_while_training_says_how_to_go_on(cli, train, tmp_path, monkeypatch):
    append = journal.append_line

    def full(path, line):
        if b'"saved"' in line:
            raise OSError(28, "No space left on device", str(path))
        append(path, line)

    monkeypatch.setattr(journal, "append_line", full)
    code, out, err = train(*EPISODES)
    assert (code, out) == (StorageError.exit_code, "")
    assert "run/journal.jsonl: the disk is full. Make room there, then resume with: " in err
    assert "mlx-muzero train --run run --resume" in err
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    code, _, err = train(*EPISODES)
    assert code == 0, err
