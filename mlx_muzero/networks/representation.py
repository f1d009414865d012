"""h: maps a window of market and position features to the root's latent state (FX)."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.networks.encoders import build_encoder
from mlx_muzero.networks.layers import ResidualTower
from mlx_muzero.networks.norms import LayerNorm, Linear, relu
from mlx_muzero.networks.observation_norm import ObservationNorm


class RepresentationNetwork(nn.Module):
    """Norm, window encoder, attention over time, skip connection from the last bar, tower."""

    def __init__(self, config: ModelConfig, features: int, window_bars: int) -> None:
        super().__init__()
        channels, width = config.encoder_channels, config.latent_width
        self.observation_norm = ObservationNorm(features)
        self.encoder = build_encoder(config, features, window_bars)
        self.attention = Linear(channels, 1)
        self.projection = Linear(channels + features, width)
        self.projection_norm = LayerNorm(width)
        self.tower = ResidualTower(width, config.representation_blocks, config.dropout)

    def __call__(self, observation: mx.array) -> mx.array:
        """``f32[n, W, F]`` -> latent ``f32[n, D]``."""
        observation = self.observation_norm(observation)
        encoded = self.encoder(observation)
        weights = mx.softmax(self.attention(encoded), axis=1)
        pooled = mx.sum(weights * encoded, axis=1)
        joined = mx.concatenate([pooled, observation[:, -1]], axis=-1)
        return self.tower(
            relu(self.projection_norm(self.projection(joined)), training=self.training)
        )
