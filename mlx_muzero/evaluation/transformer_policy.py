"""A Transformer that reads the window of bars and names an action for every position.

It plans nothing and models nothing: CRYPTO's "current", reactive system (section 1).
"""

from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from mlx_muzero.evaluation.policy import SessionView
from mlx_muzero.networks.layers import zero_linear
from mlx_muzero.networks.transformer import TransformerEncoder
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.types import F32, I32


@dataclass(frozen=True)
class Sizes:
    """Of the encoder: its width, the heads of its attention, its layers."""

    width: int = 32
    heads: int = 4
    layers: int = 2


class ReactiveTransformer(nn.Module):
    """Windows ``f32[n, W, F]`` -> logits ``f32[n, P, A]`` of the actions in each position."""

    def __init__(self, sizes: Sizes, window: F32, table: ActionTable) -> None:
        super().__init__()
        window_bars, features = window.shape
        self.encoder = TransformerEncoder(
            features, window_bars, sizes.width, sizes.heads, sizes.layers, dropout=0.0
        )
        self.head = zero_linear(sizes.width, table.legal.size)
        self._table_shape = table.legal.shape

    def __call__(self, window: mx.array) -> mx.array:
        """The last row has attended to all of them."""
        return self.head(self.encoder(window)[:, -1]).reshape(-1, *self._table_shape)


class TransformerPolicy:
    """Plays the likeliest legal action of the position held."""

    def __init__(self, network: ReactiveTransformer, mean: F32, deviation: F32) -> None:
        self.name = "transformer"
        self.network = network
        self._mean, self._deviation = mean, deviation

    def reset(self, env: SessionView) -> None:
        """Nothing is carried from step to step."""

    def act(self, env: SessionView) -> I32:
        """Actions ``i32[B]``."""
        market = env.observe()[:, :, : len(self._mean)]
        return self.choose(market, env.position, env.table)

    def choose(self, market: F32, position: I32, table: ActionTable) -> I32:
        """Actions ``i32[B]`` at the market's columns ``f32[B, W, F]`` from positions ``i32[B]``."""
        logits = np.array(self.network(self.scaled(market)))[np.arange(len(market)), position]
        legal = table.legal_mask(position)
        return np.where(legal, logits, -np.inf).argmax(axis=1).astype(np.int32)

    def scaled(self, windows: F32) -> mx.array:
        """``f32[n, W, F]`` windows by mean and deviation of each column of the training split."""
        return mx.array((windows - self._mean) / self._deviation)
