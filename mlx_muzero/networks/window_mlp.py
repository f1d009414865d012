"""The smallest representation: the newest row of a window and what single bars did before it."""

from collections.abc import Sequence

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.networks.observation_norm import ObservationNorm


class WindowMLP(nn.Module):
    """Norm, then two linear layers with ReLU over the newest row and some columns of all bars.

    Most columns look back by themselves, and their earlier rows would only add noise to learn. A
    window costs less than a hundredth of a temporal encoder's arithmetic, so a CPU core learns from
    thousands of bars a step.

    Args:
        features: columns of a row (F).
        history: columns of which all bars are read.
        window_bars: bars of a window (W).
        width: of the latent (D).
    """

    def __init__(self, features: int, history: Sequence[int], window_bars: int, width: int) -> None:
        super().__init__()
        self.observation_norm = ObservationNorm(features)
        self._history = list(history)
        self._column = mx.array([*range(features), *(window_bars - 1) * self._history])
        self.first = nn.Linear(len(self._column), width)
        self.second = nn.Linear(width, width)

    def __call__(self, observation: mx.array) -> mx.array:
        """``f32[n, W, F]`` -> latent ``f32[n, D]``."""
        before = mx.flatten(observation[:, :-1][:, :, self._history], 1)
        return self.of_rows(mx.concatenate([observation[:, -1], before], axis=1))

    def of_rows(self, rows: mx.array) -> mx.array:
        """What is read of observations, ``f32[n, R]`` as `MarketDataset.read_rows` -> latent."""
        row = self.observation_norm(rows, self._column)
        return nn.relu(self.second(nn.relu(self.first(row))))
