"""What a CPU trains with: the same functions and gradients as MLX derives from the definitions."""

import math

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlx.utils import tree_flatten

from examples import examples
from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.networks import closed_form
from mlx_muzero.networks.dropout import Dropout, seed_dropout
from mlx_muzero.networks.layers import CausalConv1d, MLPResidualBlock, one_hot
from mlx_muzero.networks.norms import BatchNorm, LayerNorm, relu
from mlx_muzero.networks.support import Support
from mlx_muzero.networks.tcn import TemporalBlock
from mlx_muzero.networks.transitions import DynamicsNetwork

pytestmark = pytest.mark.skipif(not closed_form.on_cpu(), reason="these are for CPUs")


def values_and_gradients(function, arguments):
    """Outputs of `function`, and gradients of a random weighting of them."""
    out = function(*arguments)
    weights = mx.random.normal(out.shape, key=mx.random.key(9))

    def weighted(*arguments):
        return (function(*arguments) * weights).sum()

    flows = mx.grad(weighted, argnums=list(range(len(arguments))))(*arguments)
    return [np.array(array, np.float64) for array in (out, *flows)]


def assert_same(ours, definition, *arguments, rounding=0.0):
    found = values_and_gradients(ours, arguments)
    for one, two in zip(found, values_and_gradients(definition, arguments), strict=True):
        atol = max(2e-5 * np.abs(two).max(), rounding)
        np.testing.assert_allclose(one, two, rtol=2e-5, atol=atol)


def normal(seed, *shape):
    return mx.random.normal(shape, key=mx.random.key(seed))


def as_on_a_gpu(function):
    """`function` by MLX's own operations."""

    def run(*arguments):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(closed_form, "on_cpu", lambda: False)
            return function(*arguments)

    return run


def with_parameters(module, call=None):
    """A function of `module`'s parameters and its input, and their values."""
    module.train()
    names = [name for name, _ in tree_flatten(module.trainable_parameters())]

    def function(x, *arrays):
        module.load_weights(list(zip(names, arrays, strict=True)), strict=False)
        return (call or module)(x)

    return function, [array for _, array in tree_flatten(module.trainable_parameters())]


@examples(15)
@given(rows=st.integers(2, 9), width=st.integers(8, 40), seed=st.integers(0, 99))
def test_norms(rows, width, seed):
    x = 3.0 * normal(seed, rows, 4, width) + 1.0
    for module in (LayerNorm(width), BatchNorm(width)):
        module.weight, module.bias = normal(seed + 1, width), normal(seed + 2, width)
        function, parameters = with_parameters(module)
        assert_same(function, as_on_a_gpu(function), x, *parameters)


def test_batch_norm_learns_the_same_statistics():
    ours, theirs = BatchNorm(5), nn.BatchNorm(5)
    for seed in range(3):
        x = 2.0 * normal(seed, 6, 7, 5) - 1.0
        ours(x), theirs(x)
    for name in ("running_mean", "running_var"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-5)


@examples(15)
@given(
    window=st.integers(1, 12),
    kernel=st.integers(1, 4),
    dilation=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 99),
)
def test_causal_convolution(window, kernel, dilation, seed):
    function, parameters = with_parameters(CausalConv1d(3, 5, kernel, dilation))
    assert_same(function, as_on_a_gpu(function), normal(seed, 2, window, 3), *parameters)


@examples(15)
@given(
    window=st.integers(1, 12),
    channels_in=st.sampled_from([3, 5]),
    dilation=st.sampled_from([1, 2, 4]),
    dropout=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 99),
)
def test_temporal_block(window, channels_in, dilation, dropout, seed):
    block, as_defined = (TemporalBlock(channels_in, 5, 3, dilation, dropout) for _ in range(2))
    kept = [block.dropout.kept((4, window, 5)) for _ in range(2)]
    drawn = Drawn(kept, block.dropout.gain)
    block.dropout = as_defined.dropout = drawn
    function, parameters = with_parameters(block)
    parameters = [array + 0.1 * normal(i, *array.shape) for i, array in enumerate(parameters)]
    other, _ = with_parameters(as_defined)
    x = normal(seed, 4, window, channels_in)
    # The definition's gradient of a bias that a norm takes out is the rounding of 0.
    assert_same(function, as_on_a_gpu(other), x, *parameters, rounding=2e-5)
    for name in ("norm_1", "norm_2"):
        for statistic in ("running_mean", "running_var"):
            ours, theirs = (getattr(of[name], statistic) for of in (block, as_defined))
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_residual_block(share):
    block = MLPResidualBlock(16, share)
    kept = block.dropout.kept((6, 16))
    block.dropout.kept = lambda _shape: kept
    function, parameters = with_parameters(block)
    parameters = [array + 0.1 * normal(i, *array.shape) for i, array in enumerate(parameters)]

    def definition(x, *arrays):
        function(x, *arrays)  # puts the arrays in place
        hidden = nn.relu(mx.fast.layer_norm(block.linear_1(x), *_of(block.norm_1), 1e-5))
        hidden = hidden * kept
        return nn.relu(x + mx.fast.layer_norm(block.linear_2(hidden), *_of(block.norm_2), 1e-5))

    assert_same(function, definition, normal(40, 6, 16), *parameters)


@examples(10)
@given(
    steps=st.integers(1, 4),
    blocks=st.integers(0, 3),
    dropout=st.sampled_from([0.0, 0.3]),
    scale=st.sampled_from([0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_unrolled_dynamics(steps, blocks, dropout, scale, seed):
    rows, actions, outcomes, width = 5, 4, 3, 12
    config = ModelConfig(latent_width=width, dynamics_blocks=blocks, dropout=dropout)
    network = DynamicsNetwork(config, actions, outcomes)
    kept = [block.dropout.kept((steps, rows, width)) for block in network.body.tower.blocks]
    drop_what_was_drawn(network, kept)
    random = np.random.default_rng(seed)
    action = one_hot(mx.array(random.integers(0, actions, (steps, rows))), actions)
    outcome = one_hot(mx.array(random.integers(0, outcomes, (steps, rows))), outcomes)

    def both(latent):
        latents, reward = network.unrolled(latent, action, outcome, scale)
        return mx.concatenate([latents.reshape(-1), reward.reshape(-1)])

    function, parameters = with_parameters(network, both)
    parameters = [array + 0.1 * normal(i, *array.shape) for i, array in enumerate(parameters)]
    assert_same(function, as_on_a_gpu(function), normal(seed, rows, width), *parameters)


class Drawn(nn.Module):
    """Dropout that drops, in turn, what was drawn before."""

    def __init__(self, drawn, gain):
        super().__init__()
        self._drawn, self._next, self.gain = list(drawn), 0, gain

    def kept(self, shape):
        several = math.prod(shape) // self._drawn[0].size
        return mx.stack([self._in_turn() for _ in range(several)]).reshape(shape)

    def __call__(self, x):
        return x * self._in_turn()

    def _in_turn(self):
        self._next += 1
        return self._drawn[(self._next - 1) % len(self._drawn)]


def drop_what_was_drawn(network, kept):
    """Let the blocks of `network` drop the units `kept`, all steps at once or one by one."""
    for block, of_steps in zip(network.body.tower.blocks, kept, strict=True):
        block.dropout = Drawn(of_steps, block.dropout.gain)


def _of(norm):
    return norm.weight, norm.bias


def test_relu():
    x = mx.array([-1.0, -0.0, 0.0, 0.5, 3.0])
    assert_same(lambda x: relu(x, training=True), lambda x: mx.maximum(x, 0.0), x[mx.array([0, 3])])
    np.testing.assert_array_equal(relu(x, training=True), [0, 0, 0, 0.5, 3.0])


def test_two_hot_cross_entropy():
    support = Support(-3.0, 3.0, 13)
    targets = mx.array([-9.0, -3.0, -2.9, 0.0, 0.25, 2.99, 3.0, 9.0])

    def ours(logits):
        return closed_form.two_hot_cross_entropy(logits, support.place(targets))

    def definition(logits):
        return nn.losses.cross_entropy(logits, support.encode(targets))

    assert_same(ours, definition, 20.0 * normal(1, 8, 13))


def test_a_target_that_is_not_a_number_is_a_loss_that_is_none():
    logits, place = normal(1, 2, 13), mx.array([float("nan"), 3.5])

    def loss(logits):
        return closed_form.two_hot_cross_entropy(logits, place)

    assert np.isnan(np.array(loss(logits))).tolist() == [True, False]
    assert np.isnan(np.array(mx.grad(lambda x: loss(x).sum())(logits))[0]).any()


def test_dropout_keeps_its_share_and_the_mean_and_follows_its_seed():
    dropout, x = Dropout(0.3), mx.ones((400, 500))
    seed_dropout(7)
    first = np.array(dropout(x))
    assert np.unique(first).tolist() == pytest.approx([0.0, 1 / 0.7], rel=1e-4)
    assert (first > 0).mean() == pytest.approx(0.7, abs=0.005)
    assert first.mean() == pytest.approx(1.0, abs=0.01)
    assert not np.array_equal(first, np.array(dropout(x)))
    seed_dropout(7)
    np.testing.assert_array_equal(first, np.array(dropout(x)))
    dropout.eval()
    np.testing.assert_array_equal(dropout(x), x)
