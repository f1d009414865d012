"""The temporal convolutional encoder of a window of bars (FX "RepresentationNetwork")."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.networks.dropout import Dropout
from mlx_muzero.networks.layers import CausalConv1d
from mlx_muzero.networks.norms import BatchNorm, Linear, relu

DILATIONS = (1, 2, 4)
"""Dilations of the three temporal blocks; with kernel 3 the receptive field is 29 bars (ADR 3)."""


class TemporalBlock(nn.Module):
    """Two causal convolutions with a residual connection around them.

    Each convolution is followed by batch norm, ReLU and dropout; the residual passes through a 1x1
    convolution if the number of channels changes (Bai, Kolter, Koltun 2018).
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.conv_1 = CausalConv1d(channels_in, channels_out, kernel, dilation)
        self.norm_1 = BatchNorm(channels_out)
        self.conv_2 = CausalConv1d(channels_out, channels_out, kernel, dilation)
        self.norm_2 = BatchNorm(channels_out)
        self.dropout = Dropout(dropout)
        same = channels_in == channels_out
        self.residual = nn.Identity() if same else Linear(channels_in, channels_out)

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[n, W, in]`` -> ``f32[n, W, out]``."""
        training = self.training
        h = self.dropout(relu(self.norm_1(self.conv_1(x)), training=training))
        h = self.dropout(relu(self.norm_2(self.conv_2(h)), training=training))
        return relu(h + self.residual(x), training=training)


class TemporalEncoder(nn.Module):
    """Three temporal blocks, a 1x1 convolution and batch norm.

    Causal: in eval mode the output at bar t does not depend on later bars.
    """

    def __init__(self, features: int, channels: int, kernel: int, dropout: float) -> None:
        super().__init__()
        widths = [features, *[channels] * (len(DILATIONS) - 1)]
        self.blocks = [
            TemporalBlock(channels_in, channels, kernel, dilation, dropout)
            for channels_in, dilation in zip(widths, DILATIONS, strict=True)
        ]
        self.output = Linear(channels, channels)
        self.norm = BatchNorm(channels)

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[n, W, F]`` -> ``f32[n, W, channels]``."""
        for block in self.blocks:
            x = block(x)
        return self.norm(self.output(x))
