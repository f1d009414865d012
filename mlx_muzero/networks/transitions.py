"""What may follow an action: afterstate, chance outcome, next latent state and reward (FX)."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.networks.layers import ConditionedTower, zero_linear


class AfterstateNetwork(nn.Module):
    """The state after the agent's action and before the market's answer."""

    def __init__(self, config: ModelConfig, actions: int) -> None:
        super().__init__()
        width = config.latent_width
        self.body = ConditionedTower(width, actions, config.afterstate_blocks, config.dropout)
        self.norm = nn.LayerNorm(width)

    def __call__(self, latent: mx.array, action: mx.array) -> mx.array:
        """Latent [n, D], one-hot action [n, A] -> afterstate [n, D]."""
        return self.norm(self.body(latent, action))


class OutcomeProbabilityNetwork(nn.Module):
    """The distribution of chance outcomes that follow an action."""

    def __init__(self, config: ModelConfig, actions: int, outcomes: int) -> None:
        super().__init__()
        width = config.latent_width
        self.body = ConditionedTower(width, actions, config.outcome_blocks, config.dropout)
        self.logits = nn.Linear(width, outcomes)

    def __call__(self, latent: mx.array, action: mx.array) -> mx.array:
        """Latent [n, D], one-hot action [n, A] -> logits [n, C]."""
        return self.logits(self.body(latent, action))


class DynamicsNetwork(nn.Module):
    """The next latent state and the reward, given action and chance outcome."""

    def __init__(self, config: ModelConfig, actions: int, outcomes: int) -> None:
        super().__init__()
        width, conditions = config.latent_width, actions + outcomes
        self.body = ConditionedTower(width, conditions, config.dynamics_blocks, config.dropout)
        self.next_latent = nn.Linear(width, width)
        self.next_latent_norm = nn.LayerNorm(width)
        self.reward = zero_linear(width, 1)

    def __call__(
        self, latent: mx.array, action: mx.array, outcome: mx.array
    ) -> tuple[mx.array, mx.array]:
        """Latent [n, D], one-hot [n, A] and [n, C] -> next latent [n, D], reward [n]."""
        h = self.body(latent, action, outcome)
        return self.next_latent_norm(self.next_latent(h)), self.reward(h)[:, 0]
