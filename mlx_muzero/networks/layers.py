"""The building blocks shared by the six networks (ADR 3)."""

import math

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.networks import closed_form
from mlx_muzero.networks.closed_form_convolutions import causal_conv
from mlx_muzero.networks.dropout import Dropout
from mlx_muzero.networks.norms import LayerNorm, Linear


def one_hot(index: mx.array, size: int) -> mx.array:
    """``f32[..., size]`` one-hot encoding of `index` ``i32[...]``, integers in [0, size)."""
    return (index[..., None] == mx.arange(size)).astype(mx.float32)


def zero_linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear head initialized to zero: policy uniform, value and reward 0 until trained.

    Random heads would give every state an arbitrary value, which bootstrapping then propagates for
    a long time (EfficientZero, appendix A.2).
    """
    head = Linear(inputs, outputs)
    head.weight, head.bias = mx.zeros_like(head.weight), mx.zeros_like(head.bias)
    return head


def scale_gradient(x: mx.array, scale: float) -> mx.array:
    """`x` itself, whose gradient is multiplied by `scale`."""
    return x * scale + mx.stop_gradient(x) * (1.0 - scale)


def scaled_conditions(weight: mx.array, width: int) -> mx.array:
    """Weights ``f32[out, width + conditions]`` with the columns of the conditions scaled up.

    A one-hot has one nonzero entry, a latent has `width`: scaled to carry as much weight, or
    actions and outcomes are learned last.
    """
    weight[:, width:] = weight[:, width:] * math.sqrt(width)
    return weight


class CausalConv1d(nn.Module):
    """Dilated causal convolution: output t depends on inputs t, t - dilation, ..., none after t.

    Implemented as shift, concatenate and one matrix product, because MLX's CPU backend runs a
    dilated `nn.Conv1d` in a naive loop (ADR 12). ``taps.weight`` is ``f32[out, kernel * in]``,
    oldest tap first, so ``reshape(out, kernel, in)`` gives the weight `nn.Conv1d` would have.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.taps = Linear(kernel * channels_in, channels_out)
        self.kernel = kernel
        self.dilation = dilation

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[n, W, in]`` -> ``f32[n, W, out]``; bars before the window count as zeros."""
        if self.training and closed_form.on_cpu():
            weight, bias = self.taps.weight, self.taps.bias
            return causal_conv(x, weight, bias, self.kernel, self.dilation)
        window_bars = x.shape[1]
        padded = mx.pad(x, [(0, 0), ((self.kernel - 1) * self.dilation, 0), (0, 0)])
        starts = [tap * self.dilation for tap in range(self.kernel)]
        shifted = [padded[:, start : start + window_bars] for start in starts]
        return self.taps(mx.concatenate(shifted, axis=-1))


class MLPResidualBlock(nn.Module):
    """Linear, LayerNorm, ReLU, dropout, Linear, LayerNorm, add, ReLU."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.linear_1 = Linear(width, width)
        self.norm_1 = LayerNorm(width)
        self.dropout = Dropout(dropout)
        self.linear_2 = Linear(width, width)
        self.norm_2 = LayerNorm(width)

    @property
    def layers(self) -> tuple[nn.Module, ...]:
        """Those with parameters, from first to last."""
        return self.linear_1, self.norm_1, self.linear_2, self.norm_2

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[n, D]`` -> ``f32[n, D]``."""
        if self.training and closed_form.on_cpu():
            linear_1, norm_1, linear_2, norm_2 = ((of.weight, of.bias) for of in self.layers)
            kept, gain = self.dropout.kept(x.shape), self.dropout.gain
            return closed_form.residual_block(x, linear_1, norm_1, kept, gain, linear_2, norm_2)
        h = self.dropout(nn.relu(self.norm_1(self.linear_1(x))))
        return nn.relu(x + self.norm_2(self.linear_2(h)))


class ResidualTower(nn.Module):
    """A stack of residual blocks; the identity if there are none."""

    def __init__(self, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.blocks = [MLPResidualBlock(width, dropout) for _ in range(blocks)]

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[n, D]`` -> ``f32[n, D]``."""
        for block in self.blocks:
            x = block(x)
        return x


class ConditionedTower(nn.Module):
    """Concatenates a latent with one-hot conditions, then a projection and residual blocks."""

    def __init__(self, width: int, conditions: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.projection = Linear(width + conditions, width)
        self.projection.weight = scaled_conditions(self.projection.weight, width)
        self.tower = ResidualTower(width, blocks, dropout)

    def __call__(self, latent: mx.array, *conditions: mx.array) -> mx.array:
        """Latent ``f32[n, D]``, one-hot conditions ``f32[n, size]`` -> ``f32[n, D]``."""
        return self.tower(self.projection(mx.concatenate([latent, *conditions], axis=-1)))
