"""A Transformer that reads the window of bars and names an action for every position.

It neither plans nor models: CRYPTO's "current", reactive system (section 1).
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
    """Sizes of the encoder: width, attention heads, layers."""

    width: int = 32
    heads: int = 4
    layers: int = 2


class ReactiveTransformer(nn.Module):
    """Maps windows ``f32[n, W, F]`` to action logits ``f32[n, P, A]`` in each position."""

    def __init__(self, sizes: Sizes, window: F32, table: ActionTable) -> None:
        super().__init__()
        window_bars, features = window.shape
        self.encoder = TransformerEncoder(
            features, window_bars, sizes.width, sizes.heads, sizes.layers, dropout=0.0
        )
        self.head = zero_linear(sizes.width, table.legal.size)
        self._table_shape = table.legal.shape

    def __call__(self, window: mx.array) -> mx.array:
        """Apply the network; the last row has attended to all others."""
        return self.head(self.encoder(window)[:, -1]).reshape(-1, *self._table_shape)


class TransformerPolicy:
    """Plays the most likely legal action for the position held."""

    def __init__(self, network: ReactiveTransformer, mean: F32, deviation: F32) -> None:
        self.name = "transformer"
        self.network = network
        self._mean, self._deviation = mean, deviation

    def reset(self, env: SessionView) -> None:
        """Does nothing: no state is kept between steps."""

    def act(self, env: SessionView) -> I32:
        """Actions ``i32[B]``."""
        market = env.observe()[:, :, : len(self._mean)]
        return self.choose(market, env.position, env.table)

    def choose(self, market: F32, position: I32, table: ActionTable) -> I32:
        """Actions ``i32[B]`` given market columns ``f32[B, W, F]`` and positions ``i32[B]``."""
        logits = np.array(self.network(self.scaled(market)))[np.arange(len(market)), position]
        legal = table.legal_mask(position)
        return np.where(legal, logits, -np.inf).argmax(axis=1).astype(np.int32)

    def scaled(self, windows: F32) -> mx.array:
        """Standardize windows ``f32[n, W, F]`` by the training split's column statistics."""
        return mx.array((windows - self._mean) / self._deviation)
