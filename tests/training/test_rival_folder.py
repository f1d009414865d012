"""Trials of a rival are kept whole or not at all, and nothing in their folder is believed."""

import json

import mlx.core as mx
import pytest

from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.ppo.rival import Trial
from mlx_muzero.files.digests import SUMS
from mlx_muzero.training.rival_folder import Asked, RivalFolder

ASKED = Asked("0" * 64, 3, None, 12)


def trial(net_pips):
    return Trial({"discount": 0.9, "epochs": 2}, 3, 12, 9, net_pips)


def weights(value):
    return {"actor.weight": mx.full((2, 3), value)}


@pytest.fixture
def folder(tmp_path):
    """Three trials, of which the first is the best."""
    found = RivalFolder(tmp_path / "rival")
    trials = ()
    for value, net_pips in enumerate([5.0, -1.0, 4.0]):
        trials = (*trials, trial(net_pips))
        found.keep(ASKED, trials, weights(float(value)))
    return found


def test_trials_come_back_with_the_weights_of_the_best(folder, tmp_path):
    assert RivalFolder(tmp_path / "other").kept() is None
    asked, trials = folder.kept()
    assert asked == ASKED
    assert [each.net_pips for each in trials] == [5.0, -1.0, 4.0]
    assert trials[0] == trial(5.0)
    assert folder.weights()["actor.weight"].tolist() == [[0.0] * 3] * 2
    folder.keep(ASKED, (*trials, trial(6.0)), weights(3.0))
    assert folder.weights()["actor.weight"].tolist() == [[3.0] * 3] * 2


def test_what_a_killed_process_left_is_no_trial(folder):
    (folder.path / "000004.partial").mkdir()
    (folder.path / "000004.partial" / "state.json").write_text("{")
    assert len(folder.kept()[1]) == 3
    folder.keep(ASKED, (*folder.kept()[1], trial(1.0)), weights(1.0))
    assert len(folder.kept()[1]) == 4
    assert not (folder.path / "000004.partial").exists()


def test_a_link_is_not_followed(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder.path)
    linked = RivalFolder(tmp_path / "link")
    for use in (linked.kept, linked.weights, lambda: linked.keep(ASKED, (trial(1.0),), {})):
        with pytest.raises(RunError, match="symbolic link"):
            use()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("rival"), "wanted an object"),
        (lambda state: state["rival"]["asked"].update(seed=-1), "seed: a count"),
        (lambda state: state["rival"].update(trials=[]), "names no trial"),
        (lambda state: state["rival"]["trials"][0].update(net_pips="1"), "net_pips: a number"),
        (lambda state: state["rival"]["trials"][0].pop("settings"), "an object with settings"),
    ],
)
def test_a_state_that_is_none_is_told(folder, change, said):
    path = folder.path / "000003"
    state = json.loads((path / "state.json").read_text())
    change(state)
    (path / "state.json").write_text(json.dumps(state))
    (path / SUMS).unlink()
    with pytest.raises(RunError, match=said):
        folder.kept()


def test_changed_weights_are_refused(folder):
    with (folder.path / "000001" / "weights.safetensors").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(RunError, match="has changed"):
        folder.weights()
