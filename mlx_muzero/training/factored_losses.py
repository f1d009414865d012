"""The losses of a factored model, unrolled along the chance outcomes that happened."""

from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.networks.factored import WORTH_DEVIATIONS, FactoredModel
from mlx_muzero.networks.layers import one_hot, scale_gradient
from mlx_muzero.networks.market_networks import MarketNetworks, shares
from mlx_muzero.training.bar_batches import BarBatch
from mlx_muzero.training.losses import UNROLL_GRADIENT_SCALE


class DeviceBarBatch(NamedTuple):
    """A `BarBatch` as MLX arrays of the same shapes."""

    rows: mx.array
    outcome: mx.array
    move: mx.array
    worth: mx.array
    known: mx.array
    weight: mx.array

    @classmethod
    def of(cls, batch: BarBatch) -> "DeviceBarBatch":
        """Copy a batch to MLX."""
        arrays = batch.rows, batch.outcome, batch.move, batch.worth, batch.known, batch.weight
        return cls(*map(mx.array, arrays))


def factored_losses(model: FactoredModel, batch: DeviceBarBatch) -> dict[str, mx.array]:
    """Unweighted means over rows and steps, as scalars: ``value``, ``reward`` and ``outcome``.

    ``value`` is the squared error of the worth of every position, ``reward`` that of the move of
    the outcome that happened, each in its unit of learning; ``outcome`` is the cross-entropy. The
    last two are missing where nothing is unrolled. Squared errors count by the weight of their row.
    Each member of the model has its own share of the rows.
    """
    pips, members = model.usual.move_pips, model.members
    found = [
        _losses(networks, DeviceBarBatch(*(array[share] for array in batch)), pips)
        for networks, share in zip(members, shares(len(batch.rows), len(members)), strict=True)
    ]
    return {name: mx.stack([losses[name] for losses in found]).mean() for name in found[0]}


def _losses(networks: MarketNetworks, batch: DeviceBarBatch, pips: mx.array) -> dict[str, mx.array]:
    """The losses of one member, on its rows."""
    steps = batch.outcome.shape[1]
    worth_errors, move_errors, surprises = [], [], []
    latent = networks.representation_network.of_rows(batch.rows)
    for step in range(steps + 1):
        unit = WORTH_DEVIATIONS * pips
        worth = networks.worth_told(latent, batch.known[:, step]) * unit - batch.worth[:, step]
        worth_errors.append((batch.weight[:, None] * mx.square(worth / unit)).mean())
        if step == steps:
            break
        outcome = batch.outcome[:, step]
        surprises.append(nn.losses.cross_entropy(networks.outcome_head(latent), outcome).mean())
        moves = networks.move_head(latent) * pips
        move = (moves * one_hot(outcome, networks.outcomes)).sum(axis=-1)
        move_errors.append((batch.weight * mx.square((move - batch.move[:, step]) / pips)).mean())
        latent = scale_gradient(networks.after(latent, outcome), UNROLL_GRADIENT_SCALE)
    found = {"value": worth_errors, "reward": move_errors, "outcome": surprises}
    return {name: mx.stack(errors).mean() for name, errors in found.items() if errors}
