"""A residual convolutional encoder of a window of bars (He et al. 2016, "Identity mappings")."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.networks.dropout import Dropout
from mlx_muzero.networks.layers import CausalConv1d
from mlx_muzero.networks.norms import LayerNorm, Linear, relu


def dilation(block: int) -> int:
    """Bars between the taps of residual block `block`: 1, 2, 4, ..."""
    return 2**block


class PreActivationBlock(nn.Module):
    """Layer norm, ReLU and a causal convolution, twice, with a skip connection."""

    def __init__(self, channels: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm_1 = LayerNorm(channels)
        self.conv_1 = CausalConv1d(channels, channels, kernel, dilation)
        self.norm_2 = LayerNorm(channels)
        self.conv_2 = CausalConv1d(channels, channels, kernel, dilation)
        self.dropout = Dropout(dropout)

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[n, W, channels]`` -> ``f32[n, W, channels]``."""
        h = self.conv_1(relu(self.norm_1(x), training=self.training))
        return x + self.conv_2(self.dropout(relu(self.norm_2(h), training=self.training)))


class ResidualEncoder(nn.Module):
    """A 1x1 convolution, residual blocks of growing dilation, layer norm and ReLU.

    Causal: the output at bar t does not depend on later bars. Layer norm spans one bar of one
    window, so rows are independent of each other in training too.
    """

    def __init__(
        self, features: int, channels: int, kernel: int, blocks: int, dropout: float
    ) -> None:
        super().__init__()
        self.input = Linear(features, channels)
        self.blocks = [
            PreActivationBlock(channels, kernel, dilation(block), dropout)
            for block in range(blocks)
        ]
        self.norm = LayerNorm(channels)

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[n, W, F]`` -> ``f32[n, W, channels]``."""
        x = self.input(x)
        for block in self.blocks:
            x = block(x)
        return relu(self.norm(x), training=self.training)
