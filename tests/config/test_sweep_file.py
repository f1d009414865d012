"""Files of a sweep: trials by name, combinations, draws, and what is wrong with them."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.config.presets import FX_SMALL
from mlx_muzero.config.sweep_file import load_trials, trials_of
from mlx_muzero.errors import ConfigError


def trials(text, base=FX_SMALL):
    return trials_of(tomllib.loads(text), base, "s.toml")


def test_trials_have_the_keys_they_name_and_those_of_the_base(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text(
        "[[trial]]\ntrain.learning_rate = 2e-3\n[[trial]]\nmodel.latent_width = 32\n"
        "train.batch_size = 64\n"
    )
    found = load_trials(file, FX_SMALL)
    assert [one.train.learning_rate for one in found] == [2e-3, FX_SMALL.train.learning_rate]
    assert [one.model.latent_width for one in found] == [FX_SMALL.model.latent_width, 32]
    assert found[1].train.batch_size == 64


def test_without_draws_every_combination_of_the_lists_is_a_trial():
    found = trials("[space]\ntrain.seed = [1, 2, 3]\nmodel.latent_width = [32, 64]\n")
    pairs = [(one.train.seed, one.model.latent_width) for one in found]
    assert pairs == [(1, 32), (1, 64), (2, 32), (2, 64), (3, 32), (3, 64)]


SPACE = """
[space]
train.learning_rate = { low = 1e-4, high = 1e-2, log = true }
train.batch_size = { low = 64, high = 256 }
model.latent_width = [32, 64]
"""


@given(draws=st.integers(1, 12), seed=st.integers(0, 50))
def test_draws_are_distinct_within_their_space_and_more_follow_the_same(draws, seed):
    found = trials(f"draws = {draws}\nseed = {seed}\n{SPACE}")
    assert len(set(found)) == len(found) == draws
    for one in found:
        assert 1e-4 <= one.train.learning_rate <= 1e-2
        assert 64 <= one.train.batch_size <= 256
        assert one.model.latent_width in (32, 64)
    assert trials(f"draws = {draws + 3}\nseed = {seed}\n{SPACE}")[:draws] == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no trial"),
        ("draw = 3", "draw: no such key; did you mean draws"),
        ("draws = 3", "no \\[space\\] to draw from"),
        ("draws = 0\n[space]\ntrain.seed = [1]", "draws: expected a whole number from 1"),
        ("draws = 3\n[space]\ntrain.seed = [1, 2]", "only 2 different trials"),
        ("[space]\ntrain.seed = 1", "space.train.seed: write a list of values"),
        ("[space]\nseed = [1]", "write section.key = "),
        ("[space]\ntrain.seed = {low = 1, high = 3}", "train.seed is a range.*draws = N"),
        ("draws = 1\n[space]\ntrain.seed = {low = 3, high = 1}", "low must be a number below"),
        ("draws = 1\n[space]\ntrain.seed = {low = 0, high = 1, log = true}", "above 0 with log"),
        ("[[trial]]\ntrain.lerning_rate = 1e-3", "trial 1.*train.lerning_rate.*learning_rate"),
        ("[space]\ntrain.batch_size = [64, 'x']", "trial 2.*train.batch_size: expected an integer"),
        ("[trial]\ntrain.seed = 1", "write each trial as a table"),
        (f"[space]\ntrain.seed = {list(range(1001))}", "1,001 combinations"),
    ],
)
def test_what_is_wrong_is_named(text, said):
    with pytest.raises(ConfigError, match=said):
        trials(text)
