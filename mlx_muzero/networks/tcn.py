"""The temporal convolutional encoder of a window of bars (FX "RepresentationNetwork")."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.networks.closed_form_convolutions import temporal_layer
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
        h = self._layer(self.conv_1, self.norm_1, x)
        h = self._layer(self.conv_2, self.norm_2, h)
        return relu(h + self.residual(x), training=self.training)

    def _layer(self, conv: CausalConv1d, norm: BatchNorm, x: mx.array) -> mx.array:
        n, window_bars, _ = x.shape
        if not norm.is_closed_form(n * window_bars):
            return self.dropout(relu(norm(conv(x)), training=self.training))
        kept = self.dropout.kept((n, window_bars, len(norm.bias)))
        taps, own = (conv.taps.weight, conv.taps.bias), (norm.weight, norm.bias)
        y, mean, variance = temporal_layer(
            x, kept, self.dropout.gain, taps, own, conv.kernel, conv.dilation
        )
        norm.follow(mean, variance, n * window_bars)
        return y


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
