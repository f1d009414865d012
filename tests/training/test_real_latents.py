"""Latents of real windows are the encoder's, with the weights of when they were asked for."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_muzero.backends.native import NativeEncoder
from mlx_muzero.errors import SearchError
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import build_model
from mlx_muzero.training.real_latents import RealLatents


@pytest.fixture
def model(small_config):
    return build_model(small_config, TradingRules.from_config(small_config).table)


def windows(model, rows, seed=0):
    shape = rows, model.window_bars, model.features
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_latents_are_those_of_the_encoder(model):
    real = RealLatents(model)
    for seed, rows in enumerate((3, 5, 3)):
        given = windows(model, rows, seed)
        latents = real.of(given)
        real.begin()
        real.wait()
        expected = np.array(NativeEncoder(model, threads=1)(given))
        np.testing.assert_array_equal(np.array(latents), expected)


def test_weights_that_change_before_the_beginning_are_not_taken(model):
    real, given = RealLatents(model), windows(model, 4)
    expected = np.array(NativeEncoder(model, threads=1)(given))
    latents = real.of(given)
    model.apply(lambda array: array + 1.0)
    real.begin()
    real.wait()
    np.testing.assert_array_equal(np.array(latents), expected)


def test_what_goes_wrong_is_raised_once(model, monkeypatch):
    real, given = RealLatents(model), windows(model, 2)

    def fail(_encoder, _windows):
        raise SearchError("no latents")

    with monkeypatch.context() as patch:
        patch.setattr(NativeEncoder, "__call__", fail)
        real.of(given)
        real.begin()
        with pytest.raises(SearchError, match="no latents"):
            real.wait()
    latents = real.of(given)
    real.begin()
    real.wait()
    assert mx.isfinite(latents).all()
