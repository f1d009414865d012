"""The building blocks shared by the six networks (ADR 3)."""

import math

import mlx.core as mx
import mlx.nn as nn


def one_hot(index: mx.array, size: int) -> mx.array:
    """[..., size] float32 indicator of `index`, [...] integers in [0, size)."""
    return (index[..., None] == mx.arange(size)).astype(mx.float32)


def zero_linear(inputs: int, outputs: int) -> nn.Linear:
    """A head that begins at zero: uniform policy, value and reward 0 until something is learned.

    Random heads would give every state a value of their own, which bootstrapping hands on for
    long (EfficientZero, appendix A.2).
    """
    head = nn.Linear(inputs, outputs)
    head.weight, head.bias = mx.zeros_like(head.weight), mx.zeros_like(head.bias)
    return head


class CausalConv1d(nn.Module):
    """Dilated convolution over time: output t sees inputs t, t - dilation, ... and none after t.

    Written as shift, concatenate and one matrix product: MLX's CPU backend runs a dilated
    `nn.Conv1d` in a naive loop (ADR 12). ``taps.weight`` is [out, kernel * in], oldest tap
    first, so ``reshape(out, kernel, in)`` is the weight `nn.Conv1d` would have.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.taps = nn.Linear(kernel * channels_in, channels_out)
        self.kernel = kernel
        self.dilation = dilation

    def __call__(self, x: mx.array) -> mx.array:
        """[n, W, in] -> [n, W, out]; bars before the window count as zeros."""
        window_bars = x.shape[1]
        padded = mx.pad(x, [(0, 0), ((self.kernel - 1) * self.dilation, 0), (0, 0)])
        starts = [tap * self.dilation for tap in range(self.kernel)]
        shifted = [padded[:, start : start + window_bars] for start in starts]
        return self.taps(mx.concatenate(shifted, axis=-1))


class MLPResidualBlock(nn.Module):
    """Linear, LayerNorm, ReLU, dropout, Linear, LayerNorm, add, ReLU."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(width, width)
        self.norm_1 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.linear_2 = nn.Linear(width, width)
        self.norm_2 = nn.LayerNorm(width)

    def __call__(self, x: mx.array) -> mx.array:
        """[n, D] -> [n, D]."""
        h = self.dropout(nn.relu(self.norm_1(self.linear_1(x))))
        return nn.relu(x + self.norm_2(self.linear_2(h)))


class ResidualTower(nn.Module):
    """A stack of residual blocks; the identity when there is none."""

    def __init__(self, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.blocks = [MLPResidualBlock(width, dropout) for _ in range(blocks)]

    def __call__(self, x: mx.array) -> mx.array:
        """[n, D] -> [n, D]."""
        for block in self.blocks:
            x = block(x)
        return x


class ConditionedTower(nn.Module):
    """A linear projection of a latent joined with one-hot conditions, then residual blocks."""

    def __init__(self, width: int, conditions: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.projection = nn.Linear(width + conditions, width)
        # One entry of a one-hot is set where a latent has `width`: its column must weigh as much
        # as all of theirs, or actions and outcomes are learned last.
        columns = self.projection.weight
        columns[:, width:] = columns[:, width:] * math.sqrt(width)
        self.projection.weight = columns
        self.tower = ResidualTower(width, blocks, dropout)

    def __call__(self, latent: mx.array, *conditions: mx.array) -> mx.array:
        """Latent [n, D] and conditions [n, size], whose sizes sum to `conditions`, -> [n, D]."""
        return self.tower(self.projection(mx.concatenate([latent, *conditions], axis=-1)))
