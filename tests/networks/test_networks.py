"""The six networks: sizes, shapes, causality, determinism, gradients."""

from dataclasses import replace

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten

from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.errors import ConfigError
from mlx_muzero.networks import StochasticMuZero
from mlx_muzero.networks.layers import CausalConv1d, one_hot
from mlx_muzero.profiling.subject import with_random_heads

SMALL = ModelConfig(
    latent_width=16, tcn_channels=8, representation_blocks=1, outcome_blocks=1, dynamics_blocks=1,
    policy_blocks=0, value_blocks=1, afterstate_blocks=0, value_bins=21, value_min=-10.0,
    value_max=10.0,
)  # fmt: skip
F, A, C, W, N = 5, 4, 3, 12, 6


def small(seed: int = 0, config: ModelConfig = SMALL) -> StochasticMuZero:
    model = StochasticMuZero(config, features=F, actions=A, outcomes=C, window_bars=W, seed=seed)
    return with_random_heads(model).eval()


def observations(rows: int = N) -> mx.array:
    return mx.random.normal((rows, W, F), key=mx.random.key(1))


def actions(rows: int = N) -> mx.array:
    return mx.arange(rows) % A


def every_output(model: StochasticMuZero, observation: mx.array) -> dict[str, mx.array]:
    action = actions(len(observation))
    latent = model.representation(observation)
    after = model.afterstate(latent, action)
    next_latent, reward = model.dynamics(latent, action, action % C)
    return {
        "latent": latent, "afterstate": after, "next_latent": next_latent, "reward": reward,
        "outcome_logits": model.outcome_logits(latent, action),
        "policy_logits": model.policy_logits(latent), "value_logits": model.value_logits(latent),
        "value": model.value(latent), "afterstate_value": model.value(after),
    }  # fmt: skip


def fx_model() -> StochasticMuZero:
    return StochasticMuZero(FX_MICRO.model, features=15, actions=4, outcomes=3, window_bars=32)


def test_fx_micro_has_exactly_the_printed_number_of_parameters():
    assert fx_model().num_parameters() == 2_338_802


def test_parameters_by_network():
    model = fx_model()
    counts = {
        name: sum(v.size for _, v in tree_flatten(model[f"{name}_network"].trainable_parameters()))
        for name in ("representation", "outcome", "dynamics", "policy", "value", "afterstate")
    }
    assert counts == {
        "representation": 455_569, "outcome": 332_803, "dynamics": 531_969, "policy": 266_244,
        "value": 419_673, "afterstate": 332_544,
    }  # fmt: skip


def test_another_number_of_parameters_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"model\.parameters: 2,338,802 .* give"):
        small(config=replace(SMALL, parameters=2_338_802))
    count = small().num_parameters()
    assert small(config=replace(SMALL, parameters=count)).num_parameters() == count


def test_shapes():
    assert {name: out.shape for name, out in every_output(small(), observations()).items()} == {
        "latent": (N, 16), "afterstate": (N, 16), "next_latent": (N, 16), "reward": (N,),
        "outcome_logits": (N, C), "policy_logits": (N, A), "value_logits": (N, 21), "value": (N,),
        "afterstate_value": (N,),
    }  # fmt: skip


def test_an_observation_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"not \(n, 12, 5\)"):
        small().representation(mx.zeros((2, W, F + 1)))


@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_causal_convolution_is_conv1d_padded_on_the_left(dilation):
    conv = CausalConv1d(F, 7, 3, dilation)
    x = observations()
    padded = mx.pad(x, [(0, 0), (2 * dilation, 0), (0, 0)])
    weight = conv.taps.weight.reshape(7, 3, F)
    expected = mx.conv1d(padded, weight, dilation=dilation) + conv.taps.bias
    np.testing.assert_allclose(np.array(conv(x)), np.array(expected), atol=1e-5)


@pytest.mark.parametrize("bar", range(W))
def test_encoder_sees_no_bar_after_its_own(bar):
    encoder = small().representation_network.encoder
    x = np.array(observations(2))
    changed = x.copy()
    changed[:, bar] += 1.0
    difference = np.abs(np.array(encoder(mx.array(x)) - encoder(mx.array(changed)))).max(
        axis=(0, 2)
    )
    assert (difference[:bar] == 0).all()
    assert difference[bar] > 0


def test_receptive_field_of_the_encoder_is_29_bars():
    encoder = small().representation_network.encoder
    reach = mx.grad(lambda x: mx.abs(encoder(x)[0, -1]).sum())(mx.ones((1, 40, F)) * 0.5)
    seen = np.flatnonzero(np.abs(np.array(reach))[0].sum(axis=-1))
    assert 40 - seen.min() <= 29
    # Any single draw of ReLUs may hide the oldest bar; the far half must still be seen.
    assert 40 - seen.min() > 15


def test_actions_and_outcomes_matter():
    model = small()
    latent = model.representation(observations(1))
    next_latents, rewards = model.dynamics(
        mx.repeat(latent, A * C, axis=0),
        mx.repeat(mx.arange(A), C, axis=0),
        mx.tile(mx.arange(C), A),
    )
    assert len({row.tobytes() for row in np.array(next_latents)}) == A * C
    assert len(set(np.array(rewards).tolist())) == A * C


def test_eval_mode_repeats_and_rows_do_not_depend_on_each_other():
    model = small()
    together = every_output(model, observations())
    again = every_output(model, observations())
    for name, output in together.items():
        assert mx.array_equal(output, again[name]), name
    latent = model.representation(observations())
    alone = mx.concatenate([model.representation(observations()[i : i + 1]) for i in range(N)])
    np.testing.assert_allclose(np.array(alone), np.array(latent), atol=1e-5)


def test_a_seed_names_the_weights():
    first, second, other = (dict(tree_flatten(small(seed).parameters())) for seed in (3, 3, 4))
    assert all(mx.array_equal(first[name], second[name]) for name in first)
    assert any(not mx.array_equal(first[name], other[name]) for name in first)


def test_train_mode_drops_out_and_moves_running_statistics_that_are_not_trained():
    model = small()
    before = every_output(model, observations())["latent"]
    names = [name for name, _ in tree_flatten(model.trainable_parameters())]
    assert not [name for name in names if "running" in name]
    everything = [name for name, _ in tree_flatten(model.parameters())]
    assert len([name for name in everything if "running" in name]) == 2 * 7

    model.train()
    assert all(module.training for module in model.modules())
    mx.random.seed(0)
    first, second = (model.representation(observations()) for _ in range(2))
    assert not mx.array_equal(first, second)
    mean = model.representation_network.encoder.norm.running_mean
    assert mx.abs(mean).max().item() > 0

    model.eval()
    after = model.representation(observations())
    assert mx.array_equal(after, model.representation(observations()))
    assert not mx.array_equal(after, before)


def test_a_fresh_model_prefers_nothing():
    model = fx_model().eval()
    latent = model.representation(mx.zeros((2, 32, 15)))
    assert not np.array(model.policy_logits(latent)).any()
    np.testing.assert_allclose(np.array(model.value(latent)), 0.0, atol=1e-3)
    assert not np.array(model.dynamics(latent, mx.array([0, 1]), mx.array([0, 1]))[1]).any()


def test_gradients_reach_every_trainable_parameter():
    model = small().train()
    mx.random.seed(0)

    def loss(model: StochasticMuZero, observation: mx.array) -> mx.array:
        return sum(mx.square(out).sum() for out in every_output(model, observation).values())

    value, gradients = nn.value_and_grad(model, loss)(model, observations())
    assert np.isfinite(value.item())
    flat = dict(tree_flatten(gradients))
    assert flat.keys() == dict(tree_flatten(model.trainable_parameters())).keys()
    # A softmax over time cancels any constant added to its scores, a batch norm its input's.
    dead = [name for name, g in flat.items() if not mx.abs(g).max().item() > 0]
    encoder = "representation_network.encoder.blocks"
    before_norms = {f"{encoder}.{block}.conv_{n}.taps.bias" for block in range(3) for n in (1, 2)}
    assert set(dead) <= {"representation_network.attention.bias", *before_norms}


def test_weights_survive_a_round_trip(tmp_path):
    model, other = small(1), small(2)
    model.train()
    model.representation(observations())
    model.eval()
    model.save_weights(str(tmp_path / "weights.safetensors"))
    other.load_weights(str(tmp_path / "weights.safetensors"), strict=True)
    for name, output in every_output(model, observations()).items():
        assert mx.array_equal(output, every_output(other, observations())[name]), name


def test_one_hot():
    assert one_hot(mx.array([2, 0]), 3).tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
