"""The transition networks: afterstate, chance outcomes, next latent state and reward (FX)."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.networks import closed_form
from mlx_muzero.networks.closed_form_dynamics import unrolled_dynamics
from mlx_muzero.networks.layers import ConditionedTower, scale_gradient, zero_linear
from mlx_muzero.networks.norms import LayerNorm, Linear


class AfterstateNetwork(nn.Module):
    """Predicts the afterstate: after the agent's action, before the market's response."""

    def __init__(self, config: ModelConfig, actions: int) -> None:
        super().__init__()
        width = config.latent_width
        self.body = ConditionedTower(width, actions, config.afterstate_blocks, config.dropout)
        self.norm = LayerNorm(width)

    def __call__(self, latent: mx.array, action: mx.array) -> mx.array:
        """Latent ``f32[n, D]``, one-hot action ``f32[n, A]`` -> afterstate ``f32[n, D]``."""
        return self.norm(self.body(latent, action))


class OutcomeProbabilityNetwork(nn.Module):
    """Predicts the distribution of chance outcomes that follow an action."""

    def __init__(self, config: ModelConfig, actions: int, outcomes: int) -> None:
        super().__init__()
        width = config.latent_width
        self.body = ConditionedTower(width, actions, config.outcome_blocks, config.dropout)
        self.logits = Linear(width, outcomes)

    def __call__(self, latent: mx.array, action: mx.array) -> mx.array:
        """Latent ``f32[n, D]``, one-hot action ``f32[n, A]`` -> logits ``f32[n, C]``."""
        return self.logits(self.body(latent, action))


class DynamicsNetwork(nn.Module):
    """Predicts the next latent state and the reward, given action and chance outcome."""

    def __init__(self, config: ModelConfig, actions: int, outcomes: int) -> None:
        super().__init__()
        width, conditions = config.latent_width, actions + outcomes
        self.body = ConditionedTower(width, conditions, config.dynamics_blocks, config.dropout)
        self.next_latent = Linear(width, width)
        self.next_latent_norm = LayerNorm(width)
        self.reward = zero_linear(width, 1)

    def __call__(
        self, latent: mx.array, action: mx.array, outcome: mx.array
    ) -> tuple[mx.array, mx.array]:
        """Latent ``f32[n, D]``, one-hots ``f32[n, A]``, ``f32[n, C]`` -> next latent, reward."""
        h = self.body(latent, action, outcome)
        return self.next_latent_norm(self.next_latent(h)), self.reward(h)[:, 0]

    def unrolled(
        self, latent: mx.array, action: mx.array, outcome: mx.array, gradient_scale: float
    ) -> tuple[mx.array, mx.array]:
        """Latent ``f32[n, D]``, one-hots ``f32[K, n, A]``, ``f32[K, n, C]`` -> K steps.

        Returns:
            The latents after each step, ``f32[K * n, D]``, and the rewards, ``f32[K, n]``. Of the
            gradient of such a latent, `gradient_scale` reaches the step that led to it.
        """
        if self.training and closed_form.on_cpu():
            blocks = self.body.tower.blocks
            rows, width = len(action) * len(latent), latent.shape[1]
            kept = [block.dropout.kept((rows, width)) for block in blocks]
            layers = [self.body.projection, *(layer for block in blocks for layer in block.layers)]
            layers += [self.next_latent, self.next_latent_norm, self.reward]
            parameters = [array for layer in layers for array in (layer.weight, layer.bias)]
            condition = mx.concatenate([action, outcome], axis=-1)
            gains = tuple(block.dropout.gain for block in blocks)
            return unrolled_dynamics(latent, condition, kept, gains, parameters, gradient_scale)
        latents, rewards = [], []
        for conditions in zip(action, outcome, strict=True):
            latent, reward = self(latent, *conditions)
            latents.append(latent)
            rewards.append(reward)
            latent = scale_gradient(latent, gradient_scale)
        return mx.concatenate(latents), mx.stack(rewards)
