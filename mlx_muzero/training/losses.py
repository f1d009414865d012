"""The losses of the unrolled model (FX "Training Loss Components", ADR 10)."""

from collections.abc import Callable
from dataclasses import fields
from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from mlx_muzero.config.schema import TrainConfig
from mlx_muzero.networks import closed_form
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.networks.second_stream import aside, leading_aside
from mlx_muzero.training.targets import Batch

UNROLL_GRADIENT_SCALE = 0.5
"""Gradient kept through each dynamics step (MuZero, appendix G)."""


class DeviceBatch(NamedTuple):
    """A `Batch` as MLX arrays with the steps before the rows, and counts of valid rows.

    Steps come first so that those of a loss lie together in memory. `valid_rows` is ``f32[K+1]``;
    if several processes share a batch, it is their mean, so losses average over all ranks. `real`
    is `real_latents` of all windows but the first, if they are made elsewhere.
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
    real: mx.array | None = None

    @classmethod
    def of(cls, batch: Batch) -> "DeviceBatch":
        """Copy a batch to MLX."""
        columns = {field.name: getattr(batch, field.name) for field in fields(batch)}
        arrays = {
            name: mx.array(np.ascontiguousarray(column.swapaxes(0, 1)))
            for name, column in columns.items()
        }
        return cls(**arrays, valid_rows=arrays["valid"].sum(axis=1))


class Unrolled(NamedTuple):
    """Predictions along the unroll; n rows, K steps, of which the first lie first."""

    latents: mx.array  # [(K + 1) * n, D]
    before: mx.array  # [K * n, D], without the last step's
    after: mx.array  # [K * n, D], without the first step's
    reward: mx.array  # [K, n]


def unroll(model: StochasticMuZero, batch: DeviceBatch) -> Unrolled:
    """Predict latents and rewards from the first window and the K actions and outcomes."""
    first = model.representation(batch.observation[0])
    after, reward = model.unrolled(first, batch.action, batch.outcome, UNROLL_GRADIENT_SCALE)
    latents = mx.concatenate([first, after])
    return Unrolled(latents, latents[: len(after)], after, reward)


def losses(model: StochasticMuZero, batch: DeviceBatch, config: TrainConfig) -> dict[str, mx.array]:
    """Unweighted mean loss over valid steps for each of `loss_terms`, as scalars.

    Args:
        model: in training mode.
        batch: what to learn from.
        config: weights of the losses, and which the value's is.
    """
    unrolled, terms = unroll(model, batch), loss_terms(config, model)
    found = {term: _ALONE[term](model, unrolled, batch) for term in terms if term in _ALONE}
    found |= _values(model, unrolled, batch, config, terms)
    return {term: found[term] for term in terms}


def loss_weight(config: TrainConfig, term: str) -> float:
    """Weight of a term in the total loss."""
    weight: float = getattr(config, f"{term}_weight")
    return weight


def loss_terms(config: TrainConfig, model: StochasticMuZero) -> tuple[str, ...]:
    """Names of the terms with nonzero weight that `model` can learn; others are not computed."""
    learned = (term for term in _ORDER if model.decoded or term != "next_bar")
    return tuple(term for term in learned if loss_weight(config, term) > 0)


def _policy(model: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch) -> mx.array:
    logits = model.policy_logits(unrolled.latents)
    return _mean(nn.losses.cross_entropy(logits, _rows(batch.policy)), batch, _ALL)


def _reward(_: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch) -> mx.array:
    return _mean(mx.square(unrolled.reward - batch.reward), batch, _BEFORE)


def _outcome(model: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch) -> mx.array:
    logits = model.outcome_logits(unrolled.before, batch.action.reshape(-1))
    loss = nn.losses.cross_entropy(logits, batch.outcome.reshape(-1))
    return _mean(loss, batch, _BEFORE)


def _consistency(model: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch) -> mx.array:
    target = real_latents(model, batch.observation[1:]) if batch.real is None else batch.real
    return _mean(latent_distance(unrolled.after, target), batch, _AFTER)


def _next_bar(model: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch) -> mx.array:
    predicted, real = next_bars(model, unrolled, batch)
    return _mean(mx.square(predicted - real).mean(axis=-1), batch, _AFTER)


_ALONE: dict[str, Callable[[StochasticMuZero, Unrolled, DeviceBatch], mx.array]] = {
    "policy": _policy,
    "reward": _reward,
    "outcome": _outcome,
    "consistency": _consistency,
    "next_bar": _next_bar,
}
"""Terms that need nothing but the unrolled model and the batch."""

_ORDER = ("policy", "value", "reward", "outcome", "afterstate", "consistency", "next_bar")


def _values(
    model: StochasticMuZero,
    unrolled: Unrolled,
    batch: DeviceBatch,
    config: TrainConfig,
    terms: tuple[str, ...],
) -> dict[str, mx.array]:
    """Those of the value and afterstate losses that `terms` asks for, from one evaluation."""
    latents, targets, steps = list[mx.array](), list[mx.array](), dict[str, slice]()
    if "value" in terms:
        latents.append(unrolled.latents)
        targets.append(batch.value)
        steps["value"] = _ALL
    if "afterstate" in terms:
        with leading_aside():
            latents.append(model.afterstate(unrolled.before, batch.action.reshape(-1)))
        targets.append(batch.afterstate_value)
        steps["afterstate"] = _BEFORE
    if not steps:
        return {}
    target = mx.concatenate([part.reshape(-1) for part in targets])
    loss = value_loss(model, mx.concatenate(latents), target, config)
    pieces = mx.split(loss, [targets[0].size])
    return {
        term: _mean(piece, batch, steps[term]) for term, piece in zip(steps, pieces, strict=False)
    }


def value_loss(
    model: StochasticMuZero, latent: mx.array, target: mx.array, config: TrainConfig
) -> mx.array:
    """Loss ``f32[n]`` of the value at `latent` ``f32[n, D]`` against `target` ``f32[n]``."""
    if config.value_loss == "mse":
        return mx.square(model.value(latent) - target)
    with aside():  # about as much as all other heads
        logits = model.value_logits(latent)
        if closed_form.on_cpu():
            return closed_form.two_hot_cross_entropy(logits, model.support.place(target))
    return nn.losses.cross_entropy(logits, model.support.encode(target))


def real_latents(model: StochasticMuZero, observation: mx.array) -> mx.array:
    """Representation of real windows ``f32[K, n, W, F]`` as fixed targets ``f32[K * n, D]``."""
    model.eval()
    latent = model.representation(mx.flatten(observation, 0, 1))
    model.train()
    return mx.stop_gradient(latent)


def next_bars(
    model: StochasticMuZero, unrolled: Unrolled, batch: DeviceBatch
) -> tuple[mx.array, mx.array]:
    """Market columns of the bars after the first K latents: predicted, real ``f32[K * n, M]``."""
    bars = batch.observation[:, :, -1, : model.decoded]
    return model.next_bar(unrolled.before, _rows(bars[:-1])), _rows(bars[1:])


def latent_distance(predicted: mx.array, real: mx.array) -> mx.array:
    """1 - cosine similarity over the latent axis (EfficientZero, section 4.1).

    An all-zero latent, which ReLU can produce, has distance 1 and gradient 0.
    """
    # Root of a maximum, not a maximum of roots: the root's slope at 0 is infinite.
    squares = mx.square(predicted).sum(axis=-1) * mx.square(real).sum(axis=-1)
    return 1.0 - (predicted * real).sum(axis=-1) * mx.rsqrt(mx.maximum(squares, 1e-12))


def _rows(x: mx.array) -> mx.array:
    """Flatten ``f32[K, n, X]`` to ``f32[K * n, X]``."""
    return mx.flatten(x, 0, 1)


_ALL, _BEFORE, _AFTER = slice(None), slice(None, -1), slice(1, None)
"""Unrolled steps a loss covers: all K+1, the first K or the last K."""


def _mean(loss: mx.array, batch: DeviceBatch, steps: slice) -> mx.array:
    """Mean of `loss`, which has one number per row and step in `steps`, over valid entries."""
    valid = batch.valid[steps].reshape(-1)
    return (loss.reshape(-1) * valid).sum() / mx.maximum(batch.valid_rows[steps].sum(), 1.0)
