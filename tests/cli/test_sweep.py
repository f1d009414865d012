"""`mlx-muzero sweep`: goes on where it was stopped, and ranks by validation."""

import json

import pytest

from mlx_muzero.experiment.training import Training
from mlx_muzero.runlog.look_ledger import read_looks
from mlx_muzero.training import launch as launching
from mlx_muzero.training.sweep_folder import SweepFolder
from mlx_muzero.training.trainer import Trainer


@pytest.fixture
def swept(cli, config_file, db, tmp_path):
    """Calls the verb over trials of four episodes."""

    def call(text, *options):
        file = tmp_path / "s.toml"
        file.write_text(text)
        return cli(
            "sweep", file, "--run", tmp_path / "sweep", "--config", config_file, "--db", db,
            "--set", "train.episodes=4", *options,
        )  # fmt: skip

    return call


@pytest.mark.slow
def test_trials_are_ranked_by_validation_and_are_looks(swept, cli, db, tmp_path):
    code, out, err = swept("[space]\ntrain.seed = [1, 2]\ntrain.batch_size = [8, 4]", "--json")
    assert code == 0, err
    trials = json.loads(out)["trials"]
    assert sorted(each["number"] for each in trials) == [1, 2, 3, 4]
    net = [each["net_pips"] for each in trials]
    assert net == sorted(net, reverse=True)
    assert trials[0]["changes"].keys() == {"train.seed", "train.batch_size"}
    assert {each["note"] for each in trials} == {""}
    found = list(read_looks(db.with_name(f"{db.name}.looks.jsonl")))
    assert [look.run for look in found if look.kind == "trained"] == [
        f"trial-00{number}" for number in (1, 2, 3, 4)
    ]
    assert not [look for look in found if look.kind == "evaluated"], "no test was looked at"
    code, out, _ = cli("evaluate", tmp_path / "sweep" / "trial-001", "--sessions", 2, "--json")
    assert (code, json.loads(out)["conditions"]["looks"]["trained"]) == (0, 4)
    code, _, err = cli("status", tmp_path / "sweep")
    assert code != 0
    assert "each of its trials is a run" in err


@pytest.mark.slow
def test_a_stopped_sweep_goes_on(swept, tmp_path, monkeypatch):
    text, run = "[space]\ntrain.seed = [1, 2, 3]", Trainer.run

    def killed(self):
        if self.config.train.seed == 2:
            raise KeyboardInterrupt
        return run(self)

    monkeypatch.setattr(Trainer, "run", killed)
    assert swept(text)[0] == 130
    monkeypatch.setattr(Trainer, "run", run)
    begun = []
    new = Training.new

    def counted(folder, *rest, **named):
        begun.append(folder.path.name)
        return new(folder, *rest, **named)

    monkeypatch.setattr(Training, "new", counted)
    code, out, err = swept(text)
    assert code == 0, err
    assert begun == ["trial-003"], "the second had begun, the first was done"
    assert "no test was looked at" in " ".join(out.split())
    # What is done is not done again, and more trials may follow.
    code, out, err = swept("[space]\ntrain.seed = [1, 2, 3, 4]", "--json")
    assert (code, begun) == (0, ["trial-003", "trial-004"])
    assert len(json.loads(out)["trials"]) == 4
    code, _, err = swept("[space]\ntrain.seed = [5, 2, 3]")
    assert code != 0
    assert "it has 4 trials, not 3" in err
    code, _, err = swept("[space]\ntrain.seed = [5, 2, 3, 4]")
    assert "trial 1: train.seed is 1 there, 5 here" in err
    code, _, err = swept(text, "--minutes", 3)
    assert "all episodes a trial" in err
    assert len(SweepFolder(tmp_path / "sweep").plan().trials) == 4


def test_a_trial_that_cannot_be_trained_is_told_and_left(swept):
    text = "[[trial]]\nmarket.window_bars = 4000\n[[trial]]\ntrain.seed = 2\n"
    for _ in range(2):
        code, out, err = swept(text, "--json")
        assert code == 0, err
        best, worst = json.loads(out)["trials"]
        assert (best["number"], worst["number"], worst["net_pips"]) == (2, 1, None)
        assert worst["note"]
    assert "trial 1" not in err, "it is not tried again"


def test_ranks_train_each_trial_by_the_same_command(swept, monkeypatch, tmp_path):
    commands = []

    def launched(folder, command, ranks, hosts):
        commands.append((folder.path.name, command[5:], ranks))
        return "finished"

    monkeypatch.setattr(launching, "launch", launched)
    assert swept("[space]\ntrain.seed = [1, 2]", "--ranks", 2, "--minutes", 5)[0] == 0
    assert [(name, ranks) for name, _, ranks in commands] == [("trial-001", 2), ("trial-002", 2)]
    assert commands[0][1][-4:] == [
        "--config", str(tmp_path / "sweep" / "trial-001.toml"), "--minutes", "5",
    ]  # fmt: skip
    assert "seed" in (tmp_path / "sweep" / "trial-002.toml").read_text()
