"""What a training step lowers, for each kind of model."""

from typing import Any, Protocol

import mlx.core as mx
import numpy as np

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
from mlx_muzero.training.real_latents import RealLatents
from mlx_muzero.training.targets import Batch

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

    def begin(self) -> None:
        """Begin to make what the last `arrays` do not hold yet."""
        ...

    def wait(self) -> None:
        """Wait until all of the last `arrays` hold what they are to hold."""
        ...

    def losses(self, arrays: tuple[mx.array, ...]) -> list[mx.array]:
        """Unweighted mean of each of `terms`, as scalars."""
        ...

    def overflow_frac(self, arrays: tuple[mx.array, ...]) -> mx.array:
        """Share of the targets that the model cannot express, as a scalar."""
        ...


class UnrolledObjective:
    """The losses of `StochasticMuZero` (`mlx_muzero.training.losses`)."""

    def __init__(self, model: StochasticMuZero, config: TrainConfig) -> None:
        self._model, self._config = model, config
        self.terms = losses.loss_terms(config, model)
        native = closed_form.on_cpu() and model.config.encoder == "tcn"
        self._real: RealLatents | None = None
        if native and "consistency" in self.terms:
            self._real = RealLatents(model)

    def arrays(self, batch: Batch, ranks: Ranks) -> tuple[mx.array, ...]:
        """See `Objective.arrays`."""
        mine = DeviceBatch.of(batch)
        if ranks.size > 1:
            valid_rows = ranks.mean(mine.valid_rows)
            mx.eval(valid_rows)
            mine = mine._replace(valid_rows=valid_rows)
        arrays: tuple[mx.array, ...] = mine[:-1]
        if self._real is None:
            return arrays
        later = np.ascontiguousarray(batch.observation.swapaxes(0, 1)[1:])
        return *arrays, self._real.of(later.reshape(-1, *later.shape[2:]))

    def begin(self) -> None:
        """See `Objective.begin`."""
        if self._real is not None:
            self._real.begin()

    def wait(self) -> None:
        """See `Objective.wait`."""
        if self._real is not None:
            self._real.wait()

    def losses(self, arrays: tuple[mx.array, ...]) -> list[mx.array]:
        """See `Objective.losses`."""
        found = losses.losses(self._model, DeviceBatch(*arrays), self._config)
        return list(found.values())

    def overflow_frac(self, arrays: tuple[mx.array, ...]) -> mx.array:
        """See `Objective.overflow_frac`: targets outside the value support."""
        value = DeviceBatch(*arrays).value
        return self._model.support.count_outside(value) / value.size


class FactoredObjective:
    """The losses of `FactoredModel` (`mlx_muzero.training.factored_losses`)."""

    def __init__(self, model: FactoredModel, config: TrainConfig) -> None:
        self._model = model
        names = ("value", "reward", "outcome") if config.num_unroll_steps else ("value",)
        self.terms = tuple(name for name in names if losses.loss_weight(config, name) > 0)

    def arrays(self, batch: BarBatch, ranks: Ranks) -> tuple[mx.array, ...]:
        """See `Objective.arrays`."""
        return DeviceBarBatch.of(batch)

    def begin(self) -> None:
        """See `Objective.begin`: nothing is missing."""

    def wait(self) -> None:
        """See `Objective.wait`."""

    def losses(self, arrays: tuple[mx.array, ...]) -> list[mx.array]:
        """See `Objective.losses`."""
        found = factored_losses(self._model, DeviceBarBatch(*arrays))
        return [found[name] for name in self.terms]

    def overflow_frac(self, arrays: tuple[mx.array, ...]) -> mx.array:
        """See `Objective.overflow_frac`: worth has no bounds, so 0."""
        return mx.array(0.0)


def objective_of(model: Model, config: TrainConfig) -> Objective:
    """What a training step of `model` lowers."""
    if isinstance(model, FactoredModel):
        return FactoredObjective(model, config)
    return UnrolledObjective(model, config)
