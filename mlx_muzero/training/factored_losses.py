"""The losses of a factored model, unrolled along the chance outcomes that happened."""

from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.networks.factored import WORTH_DEVIATIONS, FactoredModel
from mlx_muzero.networks.layers import one_hot
from mlx_muzero.training.bar_batches import BarBatch
from mlx_muzero.training.losses import UNROLL_GRADIENT_SCALE, scale_gradient


class DeviceBarBatch(NamedTuple):
    """A `BarBatch` as MLX arrays of the same shapes."""

    rows: mx.array
    outcome: mx.array
    move: mx.array
    worth: mx.array

    @classmethod
    def of(cls, batch: BarBatch) -> "DeviceBarBatch":
        """Copy a batch to MLX."""
        return cls(*map(mx.array, (batch.rows, batch.outcome, batch.move, batch.worth)))


def factored_losses(model: FactoredModel, batch: DeviceBarBatch) -> dict[str, mx.array]:
    """Unweighted means over rows and steps, as scalars: ``value``, ``reward`` and ``outcome``.

    ``value`` is the squared error of the worth of every position, ``reward`` that of the move of
    the outcome that happened, each in its unit of learning; ``outcome`` is the cross-entropy.
    """
    steps = batch.outcome.shape[1]
    pips = model.usual.move_pips
    worth_errors, move_errors, surprises = [], [], []
    latent = model.representation_of_rows(batch.rows)
    for step in range(steps + 1):
        worth = model.worth(latent) - batch.worth[:, step]
        worth_errors.append(mx.square(worth / (WORTH_DEVIATIONS * pips)).mean())
        if step == steps:
            break
        outcome = batch.outcome[:, step]
        surprises.append(nn.losses.cross_entropy(model.outcome_logits(latent), outcome).mean())
        move = (model.moves(latent) * one_hot(outcome, model.outcomes)).sum(axis=-1)
        move_errors.append(mx.square((move - batch.move[:, step]) / pips).mean())
        latent = scale_gradient(model.dynamics(latent, outcome), UNROLL_GRADIENT_SCALE)
    return {
        "value": mx.stack(worth_errors).mean(),
        "reward": mx.stack(move_errors).mean(),
        "outcome": mx.stack(surprises).mean(),
    }
