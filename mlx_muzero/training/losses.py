"""The losses of the unrolled model (FX "Training Loss Components", design 3.8)."""

from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.config import TrainConfig
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.training.targets import Batch

LOSS_TERMS = ("policy", "value", "reward", "outcome", "afterstate", "consistency")

UNROLL_GRADIENT_SCALE = 0.5
"""Gradient kept through each dynamics step (MuZero, appendix G)."""


class DeviceBatch(NamedTuple):
    """A `Batch` as MLX arrays, same shapes."""

    observation: mx.array
    action: mx.array
    outcome: mx.array
    reward: mx.array
    policy: mx.array
    value: mx.array
    afterstate_value: mx.array
    valid: mx.array

    @classmethod
    def of(cls, batch: Batch) -> "DeviceBatch":
        """Copy a batch to MLX."""
        return cls(*(mx.array(getattr(batch, name)) for name in cls._fields))


class Unrolled(NamedTuple):
    """What the model predicts along the unroll; n rows, K steps."""

    latent: mx.array  # [n, K+1, D]
    reward: mx.array  # [n, K]


def unroll(model: StochasticMuZero, batch: DeviceBatch) -> Unrolled:
    """Latents and rewards predicted from the first window and the K actions and outcomes."""
    latent = model.representation(batch.observation[:, 0])
    latents, rewards = [latent], []
    for k in range(batch.action.shape[1]):
        latent, reward = model.dynamics(latent, batch.action[:, k], batch.outcome[:, k])
        latents.append(latent)
        rewards.append(reward)
        latent = _scale_gradient(latent, UNROLL_GRADIENT_SCALE)
    return Unrolled(mx.stack(latents, axis=1), mx.stack(rewards, axis=1))


def losses(model: StochasticMuZero, batch: DeviceBatch, config: TrainConfig) -> mx.array:
    """Mean loss of each of `LOSS_TERMS` over valid steps, ``f32[6]``, unweighted."""
    unrolled = unroll(model, batch)
    latent, moved_latent = _rows(unrolled.latent), _rows(unrolled.latent[:, :-1])
    action, outcome = batch.action.reshape(-1), batch.outcome.reshape(-1)
    stepped, moved = batch.valid.reshape(-1), batch.valid[:, :-1].reshape(-1)
    policy_logits = model.policy_logits(latent)
    outcome_logits = model.outcome_logits(moved_latent, action)
    afterstate = model.afterstate(moved_latent, action)
    return mx.stack(
        [
            _mean(nn.losses.cross_entropy(policy_logits, _rows(batch.policy)), stepped),
            _mean(value_loss(model, latent, batch.value.reshape(-1), config), stepped),
            _mean(mx.square(unrolled.reward - batch.reward).reshape(-1), moved),
            _mean(nn.losses.cross_entropy(outcome_logits, outcome), moved),
            _mean(value_loss(model, afterstate, batch.afterstate_value.reshape(-1), config), moved),
            _mean(
                _latent_distance(
                    _rows(unrolled.latent[:, 1:]), real_latents(model, batch.observation[:, 1:])
                ),
                batch.valid[:, 1:].reshape(-1),
            ),
        ]
    )


def value_loss(
    model: StochasticMuZero, latent: mx.array, target: mx.array, config: TrainConfig
) -> mx.array:
    """Loss ``[n]`` of the value predicted at `latent` ``[n, D]`` against `target` ``[n]``."""
    if config.value_loss == "mse":
        return mx.square(model.value(latent) - target)
    two_hot = model.support.encode(target)
    return nn.losses.cross_entropy(model.value_logits(latent), two_hot)


def real_latents(model: StochasticMuZero, observation: mx.array) -> mx.array:
    """Representation of real windows ``[n, K, W, F]`` as fixed targets ``[n * K, D]``."""
    model.eval()
    latent = model.representation(mx.flatten(observation, 0, 1))
    model.train()
    return mx.stop_gradient(latent)


def loss_weights(config: TrainConfig) -> mx.array:
    """Weight of each of `LOSS_TERMS`, ``f32[6]``."""
    return mx.array([getattr(config, f"{term}_weight") for term in LOSS_TERMS], mx.float32)


def _latent_distance(predicted: mx.array, real: mx.array) -> mx.array:
    """1 - cosine similarity over the latent axis (EfficientZero, section 4.1).

    A latent of zeros, which ReLU may leave, has distance 1 and gradient 0.
    """
    # The root of a maximum, not a maximum of roots: the root's slope at 0 is infinite.
    squares = mx.square(predicted).sum(axis=-1) * mx.square(real).sum(axis=-1)
    return 1.0 - (predicted * real).sum(axis=-1) * mx.rsqrt(mx.maximum(squares, 1e-12))


def _rows(x: mx.array) -> mx.array:
    """``[n, K, X]`` as ``[n * K, X]``."""
    return mx.flatten(x, 0, 1)


def _scale_gradient(x: mx.array, scale: float) -> mx.array:
    return x * scale + mx.stop_gradient(x) * (1.0 - scale)


def _mean(loss: mx.array, valid: mx.array) -> mx.array:
    return (loss * valid).sum() / mx.maximum(valid.sum(), 1.0)
