"""Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019).

All parameters are updated as one vector by one compiled function: array by array, the many small
operations of an update take longer on the CPU than its arithmetic.
"""

import math
from functools import partial
from itertools import accumulate
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten, tree_unflatten

MEAN_DECAY = 0.9
SQUARE_DECAY = 0.999
EPSILON = 1e-8


class AdamW:
    """Updates the trainable parameters of `model`.

    Attributes:
      state: "step" (number of updates), "mean" and "square" (moments, all parameters end to end).
    """

    def __init__(self, model: nn.Module, learning_rate: float, weight_decay: float) -> None:
        parameters = dict(tree_flatten(model.trainable_parameters()))
        self._shapes = {name: array.shape for name, array in parameters.items()}
        sizes = [math.prod(shape) for shape in self._shapes.values()]
        self._cuts = list(accumulate(sizes))[:-1]
        self.state: dict[str, mx.array] = {
            "step": mx.array(0, mx.uint32),
            "mean": mx.zeros(sum(sizes)),
            "square": mx.zeros(sum(sizes)),
        }
        self._adam = mx.compile(
            partial(_adam, learning_rate=learning_rate, weight_decay=weight_decay)
        )

    def update(self, model: nn.Module, gradients: dict[str, mx.array], scale: mx.array) -> None:
        """One update of `model` with `gradients` by parameter name, times the scalar `scale`."""
        state = self.state
        state["step"] = state["step"] + 1
        step = state["step"].astype(mx.float32)
        parameters = dict(tree_flatten(model.trainable_parameters()))
        flat, state["mean"], state["square"] = self._adam(
            self._flat(parameters),
            self._flat(gradients),
            scale,
            state["mean"],
            state["square"],
            # Not inside: the compiled function would raise to a power once for every parameter.
            1.0 - MEAN_DECAY**step,
            1.0 - SQUARE_DECAY**step,
        )
        model.update(tree_unflatten(list(self._by_name(flat).items())))

    def arrays(self) -> dict[str, mx.array]:
        """The state for a checkpoint, moments by parameter name."""
        arrays = {"step": self.state["step"]}
        for moment in ("mean", "square"):
            for name, array in self._by_name(self.state[moment]).items():
                arrays[f"{moment}.{name}"] = array
        return arrays

    def restore(self, arrays: dict[str, mx.array]) -> None:
        """Inverse of `arrays`.

        Raises:
          ValueError: they belong to other parameters.
        """
        wanted = {"step", *(f"{m}.{name}" for m in ("mean", "square") for name in self._shapes)}
        if arrays.keys() != wanted:
            raise ValueError("the optimizer state belongs to a model with other parameters")
        self.state["step"] = arrays["step"]
        for moment in ("mean", "square"):
            self.state[moment] = self._flat({n: arrays[f"{moment}.{n}"] for n in self._shapes})

    def _flat(self, arrays: dict[str, mx.array]) -> mx.array:
        return mx.concatenate([arrays[name].reshape(-1) for name in self._shapes])

    def _by_name(self, flat: mx.array) -> dict[str, mx.array]:
        pieces: Any = mx.split(flat, self._cuts)
        return {
            name: piece.reshape(shape)
            for (name, shape), piece in zip(self._shapes.items(), pieces, strict=True)
        }


def _adam(
    parameter: mx.array,
    gradient: mx.array,
    scale: mx.array,
    mean: mx.array,
    square: mx.array,
    mean_weight: mx.array,
    square_weight: mx.array,
    *,
    learning_rate: float,
    weight_decay: float,
) -> tuple[mx.array, mx.array, mx.array]:
    gradient = gradient * scale
    mean = MEAN_DECAY * mean + (1.0 - MEAN_DECAY) * gradient
    square = SQUARE_DECAY * square + (1.0 - SQUARE_DECAY) * mx.square(gradient)
    unbiased_mean = mean / mean_weight
    unbiased_square = square / square_weight
    decayed = parameter * (1.0 - learning_rate * weight_decay)
    updated = decayed - learning_rate * unbiased_mean / (mx.sqrt(unbiased_square) + EPSILON)
    return updated, mean, square
