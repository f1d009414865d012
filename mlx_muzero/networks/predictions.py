"""f: what the agent should do in a latent state and what the state is worth (FX)."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.networks.layers import ResidualTower, zero_linear


class PolicyNetwork(nn.Module):
    """The policy the search starts from."""

    def __init__(self, config: ModelConfig, actions: int) -> None:
        super().__init__()
        self.tower = ResidualTower(config.latent_width, config.policy_blocks, config.dropout)
        self.logits = zero_linear(config.latent_width, actions)

    def __call__(self, latent: mx.array) -> mx.array:
        """Latent [n, D] -> action logits [n, A]."""
        return self.logits(self.tower(latent))


class ValueNetwork(nn.Module):
    """The value of a state or afterstate as a distribution over the value support."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.tower = ResidualTower(config.latent_width, config.value_blocks, config.dropout)
        self.logits = zero_linear(config.latent_width, config.value_bins)

    def __call__(self, latent: mx.array) -> mx.array:
        """Latent or afterstate [n, D] -> logits [n, S]."""
        return self.logits(self.tower(latent))
