"""What a training step lowers, for each kind of model."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

from mlx_muzero.backends.native import NativeEncoder
from mlx_muzero.config.schema import TrainConfig
from mlx_muzero.networks import closed_form
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.training import losses
from mlx_muzero.training.bar_batches import BarBatch
from mlx_muzero.training.factored_losses import DeviceBarBatch, factored_losses
from mlx_muzero.training.losses import DeviceBatch
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.targets import Batch
from mlx_muzero.training.threads import in_thread
from mlx_muzero.types import F32

AnyBatch = Batch | BarBatch
"""Batches to learn from, by kind of model."""


class Objective(Protocol):
    """The losses of one kind of model, over batches as MLX arrays.

    Attributes:
        terms: names of the losses with nonzero weight, in order.
    """

    terms: tuple[str, ...]

    def arrays(self, batch: Any, ranks: Ranks) -> tuple[mx.array, ...]:
        """This rank's rows of a batch of the model's kind, for `losses`."""
        ...

    def losses(self, arrays: tuple[mx.array, ...]) -> list[mx.array]:
        """Unweighted mean of each of `terms`, as scalars."""
        ...

    def overflow_frac(self, arrays: tuple[mx.array, ...]) -> mx.array:
        """Share of the targets that the model cannot express, as a scalar."""
        ...


class UnrolledObjective:
    """The losses of `StochasticMuZero` (`mlx_muzero.training.losses`).

    With `two_cores`, another thread makes latents of real windows while this one makes the step.
    """

    def __init__(self, model: StochasticMuZero, config: TrainConfig, *, two_cores: bool) -> None:
        self._model, self._config, self._two_cores = model, config, two_cores
        self.terms = losses.loss_terms(config, model)
        # In C++ half as long as by MLX on a CPU, and fixed targets need no gradient.
        native = closed_form.on_cpu() and model.config.encoder == "tcn"
        self._encoder: NativeEncoder | None = None
        self._real: Callable[[], mx.array] | None = None
        if native and "consistency" in self.terms:
            self._encoder = NativeEncoder(model, threads=1)

    def arrays(self, batch: Batch, ranks: Ranks) -> tuple[mx.array, ...]:
        """See `Objective.arrays`."""
        mine = DeviceBatch.of(batch)
        if ranks.size > 1:
            valid_rows = ranks.mean(mine.valid_rows)
            mx.eval(valid_rows)
            mine = mine._replace(valid_rows=valid_rows)
        if self._encoder is not None:
            later = np.ascontiguousarray(batch.observation.swapaxes(0, 1)[1:])
            windows = later.reshape(-1, *later.shape[2:])
            # As they are now: while losses are made, the model holds what stands for its weights.
            weights = dict(tree_flatten(self._model.representation_network.parameters()))
            mx.async_eval(weights)  # another thread can wait for them, but not begin
            encoded = partial(_encoded, self._encoder, weights, windows)
            self._real = in_thread(encoded).result if self._two_cores else encoded
        return mine

    def losses(self, arrays: tuple[mx.array, ...]) -> list[mx.array]:
        """See `Objective.losses`."""
        found = losses.losses(self._model, DeviceBatch(*arrays), self._config, self._real)
        return list(found.values())

    def overflow_frac(self, arrays: tuple[mx.array, ...]) -> mx.array:
        """See `Objective.overflow_frac`: targets outside the value support."""
        value = DeviceBatch(*arrays).value
        return self._model.support.count_outside(value) / value.size


def _encoded(encoder: NativeEncoder, weights: dict[str, mx.array], windows: F32) -> mx.array:
    """Latents ``f32[n, D]`` of `windows` ``f32[n, W, F]``, by the representation's `weights`."""
    encoder.refresh(weights)
    return encoder(windows)


class FactoredObjective:
    """The losses of `FactoredModel` (`mlx_muzero.training.factored_losses`)."""

    def __init__(self, model: FactoredModel, config: TrainConfig) -> None:
        self._model = model
        names = ("value", "reward", "outcome") if config.num_unroll_steps else ("value",)
        self.terms = tuple(name for name in names if losses.loss_weight(config, name) > 0)

    def arrays(self, batch: BarBatch, ranks: Ranks) -> tuple[mx.array, ...]:
        """See `Objective.arrays`."""
        return DeviceBarBatch.of(batch)

    def losses(self, arrays: tuple[mx.array, ...]) -> list[mx.array]:
        """See `Objective.losses`."""
        found = factored_losses(self._model, DeviceBarBatch(*arrays))
        return [found[name] for name in self.terms]

    def overflow_frac(self, arrays: tuple[mx.array, ...]) -> mx.array:
        """See `Objective.overflow_frac`: worth has no bounds, so 0."""
        return mx.array(0.0)


def objective_of(model: Model, config: TrainConfig, *, two_cores: bool = False) -> Objective:
    """What a training step of `model` lowers; with `two_cores`, where one of them stands idle."""
    if isinstance(model, FactoredModel):
        return FactoredObjective(model, config)
    return UnrolledObjective(model, config, two_cores=two_cores)
