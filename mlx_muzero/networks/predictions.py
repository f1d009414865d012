"""f: the policy and value networks over a latent state (FX)."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.networks.layers import ResidualTower, zero_linear


class PolicyNetwork(nn.Module):
    """The prior policy of the search."""

    def __init__(self, config: ModelConfig, actions: int) -> None:
        super().__init__()
        self.tower = ResidualTower(config.latent_width, config.policy_blocks, config.dropout)
        self.logits = zero_linear(config.latent_width, actions)

    def __call__(self, latent: mx.array) -> mx.array:
        """Latent ``f32[n, D]`` -> action logits ``f32[n, A]``."""
        return self.logits(self.tower(latent))


class ValueNetwork(nn.Module):
    """The value of a state or afterstate as a distribution over the value support."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.tower = ResidualTower(config.latent_width, config.value_blocks, config.dropout)
        self.logits = zero_linear(config.latent_width, config.value_bins)

    def __call__(self, latent: mx.array) -> mx.array:
        """Latent or afterstate ``f32[n, D]`` -> logits ``f32[n, S]``."""
        return self.logits(self.tower(latent))
