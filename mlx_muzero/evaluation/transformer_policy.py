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
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.types import F32, I32


@dataclass(frozen=True)
class Sizes:
    """Sizes of the encoder: width, attention heads, layers."""

    width: int = 32
    heads: int = 4
    layers: int = 2


class ReactiveTransformer(nn.Module):
    """Maps windows ``f32[n, W, F]`` to action logits ``f32[n, S, A]`` in each account state."""

    def __init__(self, sizes: Sizes, window: F32, states: AccountStates) -> None:
        super().__init__()
        window_bars, features = window.shape
        self.encoder = TransformerEncoder(
            features, window_bars, sizes.width, sizes.heads, sizes.layers, dropout=0.0
        )
        self.head = zero_linear(sizes.width, states.legal.size)
        self._shape = states.legal.shape

    def __call__(self, window: mx.array) -> mx.array:
        """Apply the network; the last row has attended to all others."""
        return self.head(self.encoder(window)[:, -1]).reshape(-1, *self._shape)


class TransformerPolicy:
    """Plays the most likely legal action in the account's state."""

    def __init__(self, network: ReactiveTransformer, mean: F32, deviation: F32) -> None:
        self.name = "transformer"
        self.network = network
        self._mean, self._deviation = mean, deviation

    def reset(self, env: SessionView) -> None:
        """Does nothing: no state is kept between steps."""

    def act(self, env: SessionView) -> I32:
        """Actions ``i32[B]``."""
        market = env.observe()[:, :, : len(self._mean)]
        return self.choose(market, env.account_state, env.states)

    def choose(self, market: F32, account: I32, states: AccountStates) -> I32:
        """Actions ``i32[B]`` for market columns ``f32[B, W, F]`` and account states ``i32[B]``."""
        logits = np.array(self.network(self.scaled(market)))[np.arange(len(market)), account]
        legal = states.legal_mask(account)
        return np.where(legal, logits, -np.inf).argmax(axis=1).astype(np.int32)

    def scaled(self, windows: F32) -> mx.array:
        """Standardize windows ``f32[n, W, F]`` by the training split's column statistics."""
        return mx.array((windows - self._mean) / self._deviation)
