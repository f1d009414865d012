"""Keys without an effect are named where a run starts, if somebody set them."""

import pytest

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.keys import value_of
from mlx_muzero.config.presets import FX_FACTORED, FX_MICRO, PRESETS
from mlx_muzero.config.unused import unused_note


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_no_preset_sets_a_key_in_vain(preset):
    assert unused_note(preset) is None


@pytest.mark.parametrize(
    ("assigned", "with_sampling"),
    [
        ("replay.max_episodes=77777", True),
        ("collect.initial_temperature=3.5", True),
        ("train.td_steps=7", True),
        ("model.tcn_channels=77", True),
        ("search.pb_c_init=9.5", False),
        ("search.leaves_per_step=3", False),
    ],
)
def test_keys_set_in_vain_are_named(assigned, with_sampling):
    key = assigned.partition("=")[0]
    config = config_toml.override(FX_FACTORED, [assigned])
    note = unused_note(config)
    assert note is not None
    assert note.startswith(f"{key} has no effect")
    sampling = config_toml.override(config, ["search.planner=sampling"])
    assert (unused_note(sampling) is not None) == with_sampling
    assert unused_note(config_toml.override(FX_MICRO, [assigned])) is None


def test_several_are_named_together():
    changes = ["replay.max_episodes=77777", "train.td_steps=7", "train.learning_rate=0.0007"]
    config = config_toml.override(FX_FACTORED, changes)
    note = unused_note(config)
    assert note is not None
    assert note.startswith("replay.max_episodes, train.td_steps have no effect")
    assert value_of(config, "train.learning_rate") == 0.0007


def test_keys_of_a_factored_model_are_never_named():
    changes = ["model.latent_width=77", "model.chain_states=77", "model.members=3"]
    assert unused_note(config_toml.override(FX_FACTORED, changes)) is None
