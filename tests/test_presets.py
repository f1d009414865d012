"""What presets promise, and that docs/differences.md tells of what departs."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from mlx_muzero import config_toml
from mlx_muzero.config_keys import KEYS, value_of
from mlx_muzero.presets import CRYPTO_SMALL, FX_MICRO, FX_MICRO_STRICT, FX_SMALL
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import build_model
from runs import make_trainer

DIFFERENCES = (Path(__file__).parents[1] / "docs" / "differences.md").read_text()


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
    rewards = trainer.replay.episodes.reward[: len(trainer.replay)]
    assert {-1.0, -0.5} & {float(reward) for reward in rewards.ravel()}
