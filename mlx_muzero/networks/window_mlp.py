"""The smallest representation: a window of bars as one row, through two layers."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.networks.observation_norm import ObservationNorm


class WindowMLP(nn.Module):
    """Norm, then two linear layers with ReLU over all columns of all bars at once.

    A window of 32 bars costs less than a hundredth of a temporal encoder's arithmetic, so a CPU
    core learns from thousands of bars a step.
    """

    def __init__(self, features: int, window_bars: int, width: int) -> None:
        super().__init__()
        self.observation_norm = ObservationNorm(features)
        self.first = nn.Linear(window_bars * features, width)
        self.second = nn.Linear(width, width)

    def __call__(self, observation: mx.array) -> mx.array:
        """``f32[n, W, F]`` -> latent ``f32[n, D]``."""
        row = mx.flatten(self.observation_norm(observation), 1)
        return nn.relu(self.second(nn.relu(self.first(row))))
