"""The temporal convolutional encoder of a window of bars (FX "RepresentationNetwork")."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.networks.layers import CausalConv1d

DILATIONS = (1, 2, 4)
"""Of the three temporal blocks: 29 bars of receptive field with kernel 3 (ADR 3)."""


class TemporalBlock(nn.Module):
    """Two causal convolutions and a residual around them.

    Each convolution is followed by batch norm, ReLU and dropout; the residual passes a 1x1
    convolution where the number of channels changes (Bai, Kolter, Koltun 2018).
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.conv_1 = CausalConv1d(channels_in, channels_out, kernel, dilation)
        self.norm_1 = nn.BatchNorm(channels_out)
        self.conv_2 = CausalConv1d(channels_out, channels_out, kernel, dilation)
        self.norm_2 = nn.BatchNorm(channels_out)
        self.dropout = nn.Dropout(dropout)
        same = channels_in == channels_out
        self.residual = nn.Identity() if same else nn.Linear(channels_in, channels_out)

    def __call__(self, x: mx.array) -> mx.array:
        """[n, W, in] -> [n, W, out]."""
        h = self.dropout(nn.relu(self.norm_1(self.conv_1(x))))
        h = self.dropout(nn.relu(self.norm_2(self.conv_2(h))))
        return nn.relu(h + self.residual(x))


class TemporalEncoder(nn.Module):
    """Three temporal blocks, a 1x1 convolution and batch norm.

    Causal: in eval mode the output at bar t depends on no bar after t.
    """

    def __init__(self, features: int, channels: int, kernel: int, dropout: float) -> None:
        super().__init__()
        widths = [features, *[channels] * (len(DILATIONS) - 1)]
        self.blocks = [
            TemporalBlock(channels_in, channels, kernel, dilation, dropout)
            for channels_in, dilation in zip(widths, DILATIONS, strict=True)
        ]
        self.output = nn.Linear(channels, channels)
        self.norm = nn.BatchNorm(channels)

    def __call__(self, x: mx.array) -> mx.array:
        """[n, W, F] -> [n, W, channels]."""
        for block in self.blocks:
            x = block(x)
        return self.norm(self.output(x))
