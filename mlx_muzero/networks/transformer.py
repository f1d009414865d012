"""A small transformer over a window's bars (Vaswani et al. 2017; pre-LN, Xiong et al. 2020).

Every bar attends to every other: the whole window is known when it is encoded.
"""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.networks.dropout import Dropout
from mlx_muzero.networks.norms import LayerNorm, Linear, relu

MLP_EXPANSION = 2
"""Ratio of a layer's hidden width to the encoder's width."""

POSITION_DEVIATION = 0.02
"""Initial deviation of the learned positions: small relative to the rows they are added to."""


class SelfAttention(nn.Module):
    """Multi-head scaled dot-product attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = Linear(width, width)
        self.key = Linear(width, width)
        self.value = Linear(width, width)
        self.output = Linear(width, width)

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[n, W, width]`` -> ``f32[n, W, width]``."""
        rows, window, width = x.shape

        def split(projected: mx.array) -> mx.array:
            by_head = projected.reshape(rows, window, self.heads, width // self.heads)
            return by_head.transpose(0, 2, 1, 3)

        query, key, value = split(self.query(x)), split(self.key(x)), split(self.value(x))
        scores = query @ key.transpose(0, 1, 3, 2) * (width // self.heads) ** -0.5
        mixed = mx.softmax(scores, axis=-1) @ value
        return self.output(mixed.transpose(0, 2, 1, 3).reshape(rows, window, width))


class TransformerLayer(nn.Module):
    """Layer norm and attention, then layer norm and an MLP, each with a residual connection."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm_1 = LayerNorm(width)
        self.attention = SelfAttention(width, heads)
        self.norm_2 = LayerNorm(width)
        self.linear_1 = Linear(width, MLP_EXPANSION * width)
        self.linear_2 = Linear(MLP_EXPANSION * width, width)
        self.dropout = Dropout(dropout)

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[n, W, width]`` -> ``f32[n, W, width]``."""
        x = x + self.dropout(self.attention(self.norm_1(x)))
        return x + self.dropout(
            self.linear_2(relu(self.linear_1(self.norm_2(x)), training=self.training))
        )


class TransformerEncoder(nn.Module):
    """A linear layer plus learned positions, then transformer layers and layer norm."""

    def __init__(
        self, features: int, window_bars: int, width: int, heads: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.input = Linear(features, width)
        self.positions = mx.random.normal((window_bars, width), scale=POSITION_DEVIATION)
        self.layers = [TransformerLayer(width, heads, dropout) for _ in range(layers)]
        self.norm = LayerNorm(width)

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[n, W, F]`` -> ``f32[n, W, width]``."""
        x = self.input(x) + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)
