"""Rewards and baselines that installed packages offer, known to commands and found when needed."""

import json
import sys

import pytest

from command_mistakes import mistake
from mlx_muzero import registry
from mlx_muzero.config.schema import REWARDS
from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.registered_baselines import BASELINES

CODE = """
def calm(scale):
    return lambda effect: scale * (effect.earned_pips - 0.1 * abs(effect.held_pips))

class Still:
    def reset(self, view): pass
    def act(self, view): return view.table.actions_toward(view.position, 0.0 * view.bar)
"""
OFFERED = """
[mlx_muzero.rewards]
calm = my_rewards:calm
torn = my_rewards:nothing

[mlx_muzero.baselines]
still = my_rewards:Still
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package on the path, and registries that have not looked yet; returns its folder."""
    site = tmp_path / "site"
    info = site / "my_rewards-1.5.dist-info"
    info.mkdir(parents=True)
    (site / "my_rewards.py").write_text(CODE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-rewards\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text(OFFERED)
    monkeypatch.syspath_prepend(site)
    for each in (REWARDS, BASELINES):
        monkeypatch.setattr(each, "_registered", {})
        monkeypatch.delitem(vars(each), "_offered", raising=False)
    yield info
    for each in (REWARDS, BASELINES):
        vars(each).pop("_offered", None)
    sys.modules.pop("my_rewards", None)


def test_a_package_is_loaded_when_its_reward_is_used(installed):
    assert "calm" in REWARDS
    assert list(REWARDS) == ["calm", "torn"]
    assert "my_rewards" not in sys.modules
    assert REWARDS["calm"] is sys.modules["my_rewards"].calm
    REWARDS.register("calm", lambda scale: None)  # what is registered here comes first
    assert REWARDS["calm"] is not sys.modules["my_rewards"].calm


def test_commands_train_and_evaluate_by_what_a_package_offers(installed, cli, config_file, db):
    given = ("--config", config_file, "--set", "trading.reward=calm")
    code, _, err = cli("train", "--run", "r", "--db", db, *given, "--set", "train.episodes=4")
    assert code == 0, err
    assert "register" not in err
    code, out, _ = cli("evaluate", "r", "--sessions", "2", "--json")
    assert code == 0
    assert json.loads(out)["policies"]["still"]["trades"] == 0
    (installed / "entry_points.txt").unlink()
    for each in (REWARDS, BASELINES):
        each._registered.clear()
        vars(each).pop("_offered")
    mistake(cli("evaluate", "r"), 3, "trading.reward: 'calm'", "the group mlx_muzero.rewards")


def test_what_cannot_be_loaded_names_its_package(installed, cli, config_file, db):
    given = ("--config", config_file, "--set", "trading.reward=torn")
    said = ("reward 'torn' of my-rewards 1.5", "from my_rewards:nothing", "uninstall that package")
    mistake(cli("train", "--run", "r", "--db", db, *given), 3, *said)


def test_a_package_cannot_take_the_name_of_a_built_in(installed):
    (installed / "entry_points.txt").write_text("[mlx_muzero.baselines]\nflat = my_rewards:Still\n")
    with pytest.raises(ConfigError, match="'flat' is built in"):
        dict(BASELINES.items())


def test_names_that_are_built_in_are_known_without_a_look_at_packages(installed, monkeypatch, cli):
    monkeypatch.setattr(registry.Registry, "_offered", property(lambda _: pytest.fail("looked")))
    assert cli("config", "show", "--set", "trading.reward=amddp1")[0] == 0
