"""The encoders behind one interface: shapes, causality, rows apart, gradients, every backend."""

from dataclasses import replace

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlx.utils import tree_flatten

from examples import examples
from mlx_muzero import rng
from mlx_muzero.agent import backend_choice as backends
from mlx_muzero.agent.muzero_agent import MuZeroAgent
from mlx_muzero.backends.native import NativeEncoder
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.errors import ConfigError, SearchError
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.networks.encoders import build_encoder
from mlx_muzero.profiling.subject import with_random_heads
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import build_model

ENCODERS = ("tcn", "resnet", "transformer")
CAUSAL = ("tcn", "resnet")
F, W = 5, 12


def sizes(encoder, **changes):
    small = ModelConfig(
        encoder=encoder,
        tcn_channels=8,
        resnet_channels=10,
        resnet_blocks=2,
        transformer_width=12,
        transformer_heads=3,
        transformer_layers=2,
    )
    return replace(small, **changes)


def new_encoder(config, features=F, window=W):
    mx.random.seed(0)
    return build_encoder(config, features, window).eval()


def windows(rows, features=F, window=W):
    return mx.random.normal((rows, window, features), key=mx.random.key(1))


@examples(20)
@given(
    encoder=st.sampled_from(ENCODERS),
    features=st.integers(1, 9),
    window=st.integers(1, 20),
    rows=st.integers(1, 4),
    heads=st.integers(1, 4),
    layers=st.integers(1, 3),
)
def test_shapes(encoder, features, window, rows, heads, layers):
    config = sizes(encoder, transformer_heads=heads, transformer_layers=layers)
    encoded = new_encoder(config, features, window)(windows(rows, features, window))
    assert encoded.shape == (rows, window, config.encoder_channels)
    assert bool(mx.isfinite(encoded).all())


@pytest.mark.parametrize("encoder", CAUSAL)
def test_convolutions_see_no_bar_after_their_own(encoder):
    network = new_encoder(sizes(encoder))
    x = np.array(windows(2))
    for bar in range(W):
        changed = x.copy()
        changed[:, bar:] += 1.0
        difference = np.abs(np.array(network(mx.array(x)) - network(mx.array(changed))))
        assert (difference[:, :bar] == 0).all()
        assert difference[:, bar].max() > 0


def test_a_transformer_reads_the_whole_window_and_the_order_of_its_rows():
    network = new_encoder(sizes("transformer"))
    x = np.array(windows(1))
    for bar in range(W):
        changed = x.copy()
        changed[:, bar] += 1.0
        difference = np.abs(np.array(network(mx.array(x)) - network(mx.array(changed))))
        assert (difference.max(axis=(0, 2)) > 0).all()
    turned = np.array(network(mx.array(x[:, ::-1].copy())))[:, ::-1]
    assert np.abs(turned - np.array(network(mx.array(x)))).max() > 1e-3


@pytest.mark.parametrize("encoder", ENCODERS)
def test_rows_do_not_depend_on_each_other_and_repeat(encoder):
    network = new_encoder(sizes(encoder, dropout=0.5))
    x = windows(5)
    together = np.array(network(x))
    np.testing.assert_array_equal(np.array(network(x)), together)
    for row in range(5):
        np.testing.assert_allclose(np.array(network(x[row : row + 1]))[0], together[row], atol=1e-5)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_gradients_reach_every_parameter(encoder):
    network = new_encoder(sizes(encoder)).train()
    x, target = windows(6), mx.random.normal((6, W, sizes(encoder).encoder_channels))
    _, gradients = nn.value_and_grad(network, lambda: mx.square(network(x) - target).mean())()
    for name, gradient in tree_flatten(gradients):
        # Neither a softmax over keys nor a batch norm over rows changes when all shift alike.
        if not name.endswith(("key.bias", "taps.bias")):
            assert mx.abs(gradient).max() > 0, name


def test_heads_must_divide_the_width():
    with pytest.raises(ConfigError, match=r"model\.transformer_heads.*divide the width"):
        config_toml.loads("[model]\ntransformer_heads = 5")


def with_encoder(config, encoder):
    return replace(config, model=replace(sizes(encoder), **_towers(config.model)))


def _towers(model):
    names = ("latent_width", "value_bins", "value_min", "value_max")
    names += tuple(name for name in vars(model) if name.endswith("_blocks") and "net" not in name)
    return {name: getattr(model, name) for name in names}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_both_backends_plan_alike_with_every_encoder(small_config, encoder):
    config = with_encoder(small_config, encoder)
    table = TradingRules.from_config(config).table
    model = with_random_heads(build_model(config, table))
    observation = windows(5, model.features, model.window_bars)
    seed = rng.key(3, rng.Stream.SEARCH, np.arange(5))

    def plan(backend):
        agent = MuZeroAgent(
            model, replace(config.search, backend=backend), AccountStates(table), len(OUTCOME_NAMES)
        )
        position = np.zeros(5, np.int32)
        return agent.plan(np.array(observation), position, seed, simulations=8, noise=False)

    native, mlx = plan("native"), plan("mlx")
    np.testing.assert_array_equal(native.visits, mlx.visits)
    np.testing.assert_allclose(native.value, mlx.value, atol=1e-3)
    settled, _ = backends.settle(model, replace(config.search, backend="auto"))
    assert settled.backend in backends.BACKENDS
    assert backends.fallback(model) == "native"


def test_the_native_encoder_refuses_another_than_its_own(small_config):
    config = with_encoder(small_config, "resnet")
    model = build_model(config, TradingRules.from_config(config).table)
    with pytest.raises(SearchError, match=r'model\.encoder: "resnet"'):
        NativeEncoder(model, threads=1)
