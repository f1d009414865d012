"""Trainings that tell of themselves, by whichever verb they were begun."""

import pytest

from alert_places import place

ASKED = ("--set", "alerts.to=webhook", "--set", "alerts.on=validation,end")


@pytest.fixture
def webhook(monkeypatch):
    with place() as there:
        monkeypatch.setenv("MLX_MUZERO_WEBHOOK_URL", there.url)
        yield there


def told(there):
    """What each run told."""
    found = {}
    for got in there.got:
        run = got.json["run"].rpartition("/")[2]
        found.setdefault(run, []).extend(alert["what"] for alert in got.json["alerts"])
    return found


@pytest.mark.slow
def test_trainings_tell_of_their_validations_and_their_end(webhook, cli, config_file, db, tmp_path):
    options = ("--config", config_file, "--db", db, "--set", "train.episodes=4", *ASKED)
    code, _, err = cli("train", "--run", tmp_path / "t", *options)
    assert code == 0, err
    file = tmp_path / "s.toml"
    file.write_text("[space]\ntrain.seed = [1, 2]")
    code, _, err = cli("sweep", file, "--run", tmp_path / "sweep", *options)
    assert code == 0, err
    found = told(webhook)
    assert found.keys() == {"t", "trial-001", "trial-002"}
    for whats in found.values():
        *validations, last = whats
        assert last == "the training is finished"
        assert validations
        assert all(what.startswith("validation after ") for what in validations)


def test_a_training_whose_place_has_no_address_does_not_begin(cli, config_file, db, tmp_path):
    run = tmp_path / "t"
    code, _, err = cli("train", "--run", run, "--config", config_file, "--db", db, *ASKED)
    assert (code, "MLX_MUZERO_WEBHOOK_URL is not set" in err) == (3, True)
    assert not run.exists()
