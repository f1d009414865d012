"""Latents made in C++: the model's numbers, the same bits whatever is encoded beside them."""

import dataclasses

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlx.utils import tree_map_with_path

from core_rows import independent_rows
from examples import examples
from mlx_muzero import _core
from mlx_muzero.backends.mlx import MlxEncoder
from mlx_muzero.backends.native import NativeEncoder
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.errors import SearchError
from mlx_muzero.networks.model import StochasticMuZero


def new_model(features=5, window_bars=8, seed=0, **sizes):
    """A model whose norms have seen something."""
    config = dataclasses.replace(FX_MICRO.model, **{"parameters": 0} | sizes)
    model = StochasticMuZero(
        config, features=features, actions=4, outcomes=3, window_bars=window_bars, seed=seed
    )
    random = np.random.default_rng(seed)

    def seen(name, array):
        if name.startswith("representation_network.") and "norm" in name:
            return mx.array(random.uniform(0.5, 1.5, array.shape).astype(np.float32))
        return array

    model.update(tree_map_with_path(seen, model.parameters()))
    return model


def windows_of(model, count, seed=0):
    shape = (count, model.window_bars, model.features)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def assert_encodes_alike(model, observation, **options):
    got = np.array(NativeEncoder(model, 2, **options)(observation))
    wanted = np.array(MlxEncoder(model)(observation))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-4 * max(1.0, np.abs(wanted).max()))


@given(
    features=st.integers(1, 20),
    window_bars=st.integers(1, 40),
    channels=st.sampled_from([1, 5, 20, 48]),
    kernel=st.integers(1, 4),
    width=st.sampled_from([5, 24, 33]),
    blocks=st.integers(0, 2),
    count=st.integers(1, 20),
    seed=st.integers(0, 1000),
)
@examples(25)
def test_latents_are_the_models(
    features, window_bars, channels, kernel, width, blocks, count, seed
):
    model = new_model(
        features,
        window_bars,
        seed,
        tcn_channels=channels,
        tcn_kernel=kernel,
        latent_width=width,
        representation_blocks=blocks,
    )
    assert_encodes_alike(model, windows_of(model, count, seed))


@pytest.mark.parametrize("kernels", _core.kernels())
def test_latents_of_fx_micro_are_the_models(kernels):
    model = new_model(features=15, window_bars=32)
    assert_encodes_alike(model, windows_of(model, 16), kernels=kernels)


def test_a_channel_count_equal_to_the_features_needs_no_residual_layer():
    model = new_model(features=6, tcn_channels=6)
    assert_encodes_alike(model, windows_of(model, 3))


def test_threads_do_not_change_a_bit():
    model = new_model()
    observation = windows_of(model, 50)
    one, *others = (np.array(NativeEncoder(model, n)(observation)) for n in (1, 2, 3))
    for other in others:
        np.testing.assert_array_equal(other, one)


@independent_rows
def test_windows_beside_it_do_not_change_a_latent():
    model = new_model()
    observation = windows_of(model, 20)
    encoder = NativeEncoder(model, 1)
    together = np.array(encoder(observation))
    alone = [np.array(encoder(observation[i : i + 1]))[0] for i in range(len(observation))]
    np.testing.assert_array_equal(alone, together)


def test_a_window_of_nan_stays_one():
    model = new_model()
    observation = windows_of(model, 2)
    observation[0, 3] = np.nan
    latent = np.array(NativeEncoder(model, 1)(observation))
    assert np.isnan(latent[0]).any()
    assert np.isfinite(latent[1]).all()


def test_weights_are_those_of_the_last_refresh():
    model = new_model()
    observation = windows_of(model, 4)
    encoder = NativeEncoder(model, 1)
    before = np.array(encoder(observation))
    model.update(new_model(seed=1).parameters())
    np.testing.assert_array_equal(np.array(encoder(observation)), before)
    encoder.refresh()
    np.testing.assert_array_equal(
        np.array(encoder(observation)), np.array(NativeEncoder(model, 1)(observation))
    )


def test_no_windows_have_no_latents():
    model = new_model()
    latent = NativeEncoder(model, 2)(windows_of(model, 0))
    assert latent.shape == (0, model.config.latent_width)


def test_another_window_is_refused():
    model = new_model(window_bars=8)
    with pytest.raises(
        SearchError, match=r"observation has shape \[2, 9, 5\], expected \[2, 8, 5\]"
    ):
        NativeEncoder(model, 1)(np.zeros((2, 9, 5), np.float32))


def test_another_encoder_is_refused_by_name():
    model = new_model()
    model.representation_network.attention = None
    with pytest.raises(SearchError, match=r"representation_network\.attention\.bias is missing"):
        NativeEncoder(model, 1)
