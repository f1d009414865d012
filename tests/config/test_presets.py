"""What presets promise, and that docs/differences.md tells of what departs."""

import dataclasses
import re
import tomllib

import pytest

from folders import ROOT
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.keys import value_of
from mlx_muzero.config.presets import CRYPTO_SMALL, FX_MICRO, FX_MICRO_STRICT, FX_SMALL
from mlx_muzero.config.toml import KEYS
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import build_model
from runs import make_trainer

DIFFERENCES = (ROOT / "docs" / "differences.md").read_text()


FX_PRINTS = {
    "market.pip_size": 0.01,
    "market.session_bars": 360,
    "market.max_gap_minutes": 10.0,
    "market.train_frac": 0.70,
    "market.validation_frac": 0.15,
    "market.window_bars": 32,
    "trading.round_trip_cost_pips": 4.0,
    "trading.reward": "amddp1",
    "model.latent_width": 256,
    "model.encoder": "tcn",
    "model.tcn_channels": 48,
    "model.tcn_kernel": 3,
    "model.dropout": 0.1,
    "model.representation_blocks": 3,
    "model.outcome_blocks": 2,
    "model.dynamics_blocks": 3,
    "model.policy_blocks": 2,
    "model.value_blocks": 3,
    "model.afterstate_blocks": 2,
    "model.value_bins": 601,
    "model.value_min": -300.0,
    "model.value_max": 300.0,
    "search.num_simulations": 25,
    "search.num_simulations_collect": 10,
    "search.depth_limit": 3,
    "search.discount": 0.997,
    "search.pb_c_base": 19652.0,
    "search.pb_c_init": 1.25,
    "search.root_dirichlet_alpha": 1.0,
    "search.root_exploration_fraction": 0.5,
    "collect.envs": 4,
    "collect.initial_temperature": 10.0,
    "collect.final_temperature": 1.0,
    "collect.temperature_decay_episodes": 50_000,
    "replay.min_episodes": 100,
    "replay.max_episodes": 10_000,
    "replay.min_trade_frac": 0.3,
    "train.episodes": 100_000,
    "train.batch_size": 64,
    "train.learning_rate": 0.002,
    "train.learning_rate_decay_steps": 0,
    "train.weight_decay": 1e-5,
    "train.gradient_clip": 1.0,
    "train.policy_weight": 0.25,
    "train.value_weight": 0.25,
    "train.reward_weight": 0.5,
    "train.value_loss": "mse",
    "train.validate_interval": 100,
    "train.validate_sessions": 100,
    "train.best_by": "expectancy",
    "train.checkpoint_interval": 100,
    "train.device": "cpu",
}
"""What FX says of each key."""


def parameters(config):
    return build_model(config, TradingRules.from_config(config).table).num_parameters()


def test_the_strict_preset_is_what_the_documentation_prints():
    (block,) = re.findall(r"```toml\n(.*?)```", DIFFERENCES, re.DOTALL)
    assert config_toml.loads(block) == FX_MICRO_STRICT
    printed = {f"{s}.{k}" for s, keys in tomllib.loads(block).items() if s in KEYS for k in keys}
    keys = (key.path for section in KEYS.values() for key in section.values())
    assert printed == {
        path for path in keys if value_of(FX_MICRO, path) != value_of(FX_MICRO_STRICT, path)
    }


def test_the_specifications_numbers_are_the_presets():
    assert {path: value_of(FX_MICRO_STRICT, path) for path in FX_PRINTS} == FX_PRINTS
    departures = {path for path in FX_PRINTS if value_of(FX_MICRO, path) != FX_PRINTS[path]}
    assert departures == {"model.value_blocks", "collect.envs", "train.value_loss", "train.device"}


def test_the_letters_parameters_are_as_told():
    assert "2,471,410" in DIFFERENCES
    assert parameters(FX_MICRO_STRICT) == 2_471_410


def test_every_key_that_gives_the_letter_exists():
    named = re.findall(r"`(\w+\.\w+)(?: = [^`]*)?`", DIFFERENCES)
    assert {path for path in named if path.split(".")[0] in KEYS} >= {"train.td_steps"}
    for path in named:
        section, key = path.split(".")
        assert section not in KEYS or key in KEYS[section], path


@pytest.mark.parametrize("small", [FX_SMALL, CRYPTO_SMALL])
def test_small_presets_are_a_tenth(small):
    assert parameters(small) < parameters(FX_MICRO) / 10


@pytest.mark.parametrize("file", sorted((ROOT / "scripts").glob("*.toml")), ids=lambda f: f.name)
def test_the_scripts_recipes_are_valid(file):
    assert config_toml.load(file).train.best_by == "net_pips"


def test_the_letter_plays_what_is_forbidden_and_pays_for_it(small_config, small_dataset, tmp_path):
    """Unmasked actions are legal to take, change nothing and cost the printed penalties."""
    strict = dataclasses.replace(
        small_config,
        trading=FX_MICRO_STRICT.trading,
        search=dataclasses.replace(
            small_config.search, legal_actions=FX_MICRO_STRICT.search.legal_actions
        ),
        train=dataclasses.replace(
            small_config.train, td_steps=0, value_loss="mse", afterstate_weight=0.0,
            consistency_weight=0.0, episodes=4,
        ),
    )  # fmt: skip
    trainer = make_trainer(tmp_path, strict, small_dataset)
    assert trainer.run()
    rewards = trainer.state.replay.episodes.reward[: len(trainer.state.replay)]
    assert {-1.0, -0.5} & {float(reward) for reward in rewards.ravel()}
