"""The losses of the unrolled model (FX "Training Loss Components", ADR 10)."""

from collections.abc import Callable
from dataclasses import fields
from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.config.schema import TrainConfig
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.training.targets import Batch

UNROLL_GRADIENT_SCALE = 0.5
"""Gradient kept through each dynamics step (MuZero, appendix G)."""


class DeviceBatch(NamedTuple):
    """A `Batch` as MLX arrays of the same shapes, plus `valid_rows` ``f32[K+1]``, valid row counts.

    If several processes share a batch, `valid_rows` is their mean, so losses average over all
    ranks.
    """

    observation: mx.array
    action: mx.array
    outcome: mx.array
    reward: mx.array
    policy: mx.array
    value: mx.array
    afterstate_value: mx.array
    valid: mx.array
    valid_rows: mx.array

    @classmethod
    def of(cls, batch: Batch) -> "DeviceBatch":
        """Copy a batch to MLX."""
        arrays = {field.name: mx.array(getattr(batch, field.name)) for field in fields(batch)}
        return cls(**arrays, valid_rows=arrays["valid"].sum(axis=0))


class Unrolled(NamedTuple):
    """Predictions along the unroll; n rows, K steps."""

    latent: mx.array  # [n, K+1, D]
    reward: mx.array  # [n, K]


def unroll(model: StochasticMuZero, batch: DeviceBatch) -> Unrolled:
    """Predict latents and rewards from the first window and the K actions and outcomes."""
    latent = model.representation(batch.observation[:, 0])
    latents, rewards = [latent], []
    for k in range(batch.action.shape[1]):
        latent, reward = model.dynamics(latent, batch.action[:, k], batch.outcome[:, k])
        latents.append(latent)
        rewards.append(reward)
        latent = scale_gradient(latent, UNROLL_GRADIENT_SCALE)
    return Unrolled(mx.stack(latents, axis=1), mx.stack(rewards, axis=1))


def losses(model: StochasticMuZero, batch: DeviceBatch, config: TrainConfig) -> dict[str, mx.array]:
    """Unweighted mean loss over valid steps for each of `loss_terms`, as scalars."""
    unrolled = unroll(model, batch)
    return {
        term: _TERMS[term](model, unrolled, batch, config) for term in loss_terms(config, model)
    }


def loss_weight(config: TrainConfig, term: str) -> float:
    """Weight of a term in the total loss."""
    weight: float = getattr(config, f"{term}_weight")
    return weight


def loss_terms(config: TrainConfig, model: StochasticMuZero) -> tuple[str, ...]:
    """Names of the terms with nonzero weight that `model` can learn; others are not computed."""
    learned = (term for term in _TERMS if model.decoded or term != "next_bar")
    return tuple(term for term in learned if loss_weight(config, term) > 0)


def _policy(
    model: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch, _: TrainConfig
) -> mx.array:
    logits = model.policy_logits(_rows(unrolled.latent))
    return _mean(nn.losses.cross_entropy(logits, _rows(batch.policy)), batch, _ALL)


def _value(
    model: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch, config: TrainConfig
) -> mx.array:
    return _mean(value_loss(model, _rows(unrolled.latent), batch.value, config), batch, _ALL)


def _reward(
    _: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch, __: TrainConfig
) -> mx.array:
    return _mean(mx.square(unrolled.reward - batch.reward), batch, _BEFORE)


def _outcome(
    model: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch, _: TrainConfig
) -> mx.array:
    logits = model.outcome_logits(_rows(unrolled.latent[:, :-1]), batch.action.reshape(-1))
    loss = nn.losses.cross_entropy(logits, batch.outcome.reshape(-1))
    return _mean(loss, batch, _BEFORE)


def _afterstate(
    model: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch, config: TrainConfig
) -> mx.array:
    afterstate = model.afterstate(_rows(unrolled.latent[:, :-1]), batch.action.reshape(-1))
    return _mean(value_loss(model, afterstate, batch.afterstate_value, config), batch, _BEFORE)


def _consistency(
    model: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch, _: TrainConfig
) -> mx.array:
    real = real_latents(model, batch.observation[:, 1:])
    return _mean(latent_distance(_rows(unrolled.latent[:, 1:]), real), batch, _AFTER)


def _next_bar(
    model: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch, _: TrainConfig
) -> mx.array:
    predicted, real = next_bars(model, unrolled, batch)
    return _mean(mx.square(predicted - real).mean(axis=-1), batch, _AFTER)


_TERMS: dict[str, Callable[[StochasticMuZero, Unrolled, DeviceBatch, TrainConfig], mx.array]] = {
    "policy": _policy,
    "value": _value,
    "reward": _reward,
    "outcome": _outcome,
    "afterstate": _afterstate,
    "consistency": _consistency,
    "next_bar": _next_bar,
}


def value_loss(
    model: StochasticMuZero, latent: mx.array, target: mx.array, config: TrainConfig
) -> mx.array:
    """Loss ``f32[n]`` of the value predicted at `latent` ``f32[n, D]`` against n targets."""
    target = target.reshape(-1)
    if config.value_loss == "mse":
        return mx.square(model.value(latent) - target)
    two_hot = model.support.encode(target)
    return nn.losses.cross_entropy(model.value_logits(latent), two_hot)


def real_latents(model: StochasticMuZero, observation: mx.array) -> mx.array:
    """Representation of real windows ``f32[n, K, W, F]`` as fixed targets ``f32[n * K, D]``."""
    model.eval()
    latent = model.representation(mx.flatten(observation, 0, 1))
    model.train()
    return mx.stop_gradient(latent)


def next_bars(
    model: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch
) -> tuple[mx.array, mx.array]:
    """Market columns of the bars after the first K latents: predicted, real ``f32[n * K, M]``."""
    bars = batch.observation[:, :, -1, : model.decoded]
    latent, last = _rows(unrolled.latent[:, :-1]), _rows(bars[:, :-1])
    return model.next_bar(latent, last), _rows(bars[:, 1:])


def latent_distance(predicted: mx.array, real: mx.array) -> mx.array:
    """1 - cosine similarity over the latent axis (EfficientZero, section 4.1).

    An all-zero latent, which ReLU can produce, has distance 1 and gradient 0.
    """
    # Root of a maximum, not a maximum of roots: the root's slope at 0 is infinite.
    squares = mx.square(predicted).sum(axis=-1) * mx.square(real).sum(axis=-1)
    return 1.0 - (predicted * real).sum(axis=-1) * mx.rsqrt(mx.maximum(squares, 1e-12))


def _rows(x: mx.array) -> mx.array:
    """Flatten ``f32[n, K, X]`` to ``f32[n * K, X]``."""
    return mx.flatten(x, 0, 1)


def scale_gradient(x: mx.array, scale: float) -> mx.array:
    """`x` itself, whose gradient is multiplied by `scale`."""
    return x * scale + mx.stop_gradient(x) * (1.0 - scale)


_ALL, _BEFORE, _AFTER = slice(None), slice(None, -1), slice(1, None)
"""Unrolled steps a loss covers: all K+1, the first K or the last K."""


def _mean(loss: mx.array, batch: DeviceBatch, steps: slice) -> mx.array:
    """Mean of `loss`, which has one number per row and step in `steps`, over valid entries."""
    valid = batch.valid[:, steps].reshape(-1)
    return (loss.reshape(-1) * valid).sum() / mx.maximum(batch.valid_rows[steps].sum(), 1.0)
