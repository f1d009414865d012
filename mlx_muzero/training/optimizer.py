"""Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019).

One compiled function updates all parameters as one vector: array by array, the many small
operations of an update take longer on the CPU than their arithmetic. It also updates an exponential
moving average of the parameters, which is what plays: single steps leave noise in the parameters
that is as large as the differences between actions (Polyak and Juditsky 1992).
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten, tree_unflatten

MEAN_DECAY = 0.9
SQUARE_DECAY = 0.999
EPSILON = 1e-8
_MOMENTS = ("mean", "square")


class AdamW:
    """Updates the trainable parameters of `model` and averages them.

    Args:
        model: model whose parameters are updated.
        learning_rate: maps the number of updates so far to the step size, a scalar.
        weight_decay: decoupled weight decay.
        average_decay: weight of the old average in an update; 0 makes it equal the parameters.

    Attributes:
        state: "step" (number of updates), "mean", "square" (moments) and "average", all parameters
            end to end.
    """

    def __init__(
        self,
        model: nn.Module,
        learning_rate: Callable[[mx.array], mx.array],
        weight_decay: float,
        average_decay: float,
    ) -> None:
        self._model = model
        self._learning_rate = learning_rate
        self._average_decay = average_decay
        parameters = self._parameters()
        self._shapes = {name: array.shape for name, array in parameters.items()}
        sizes = [math.prod(shape) for shape in self._shapes.values()]
        self._cuts = list(accumulate(sizes))[:-1]
        self.state: dict[str, mx.array] = {
            "step": mx.array(0, mx.uint32),
            "mean": mx.zeros(sum(sizes)),
            "square": mx.zeros(sum(sizes)),
            "average": self._flat(parameters),
        }
        self._adam = mx.compile(partial(_adam, weight_decay=weight_decay))

    def update(self, gradients: dict[str, mx.array], scale: mx.array) -> None:
        """Update once with `gradients` by parameter name, times the scalar `scale`."""
        state = self.state
        learning_rate = self._learning_rate(state["step"])
        state["step"] = state["step"] + 1
        step = state["step"].astype(mx.float32)
        # Early parameters are not worth remembering: the average's memory grows from 10 steps.
        keep = mx.minimum(self._average_decay, (1.0 + step) / (10.0 + step))
        flat, state["mean"], state["square"], state["average"] = self._adam(
            self._flat(self._parameters()),
            self._flat(gradients),
            scale,
            state["mean"],
            state["square"],
            state["average"],
            keep,
            learning_rate,
            # Not inside: the compiled function would compute the power once per parameter.
            1.0 - MEAN_DECAY**step,
            1.0 - SQUARE_DECAY**step,
        )
        self._move_to(self._by_name(flat))

    def average(self) -> dict[str, mx.array]:
        """The averaged parameters by name."""
        return self._by_name(self.state["average"])

    def arrays(self) -> dict[str, mx.array]:
        """State for a checkpoint without the average: parameters and moments by name."""
        arrays = {"step": self.state["step"]}
        arrays |= {f"parameter.{name}": array for name, array in self._parameters().items()}
        for moment in _MOMENTS:
            for name, array in self._by_name(self.state[moment]).items():
                arrays[f"{moment}.{name}"] = array
        return arrays

    def restore(self, arrays: dict[str, mx.array], average: dict[str, mx.array]) -> None:
        """Inverse of `arrays` and `average`; ignores other names in `average`.

        Raises:
            ValueError: they belong to other parameters.
        """
        kinds = ("parameter", *_MOMENTS)
        wanted = {"step", *(f"{kind}.{name}" for kind in kinds for name in self._shapes)}
        if arrays.keys() != wanted:
            raise ValueError("the optimizer state belongs to a model with other parameters")
        self._move_to({name: arrays[f"parameter.{name}"] for name in self._shapes})
        self.state["step"] = arrays["step"]
        self.state["average"] = self._flat(average)
        for moment in _MOMENTS:
            self.state[moment] = self._flat({n: arrays[f"{moment}.{n}"] for n in self._shapes})

    def _parameters(self) -> dict[str, mx.array]:
        return dict(tree_flatten(self._model.trainable_parameters()))

    def _move_to(self, parameters: dict[str, mx.array]) -> None:
        self._model.update(tree_unflatten(list(parameters.items())))

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
    average: mx.array,
    keep: mx.array,
    learning_rate: mx.array,
    mean_weight: mx.array,
    square_weight: mx.array,
    *,
    weight_decay: float,
) -> tuple[mx.array, mx.array, mx.array, mx.array]:
    gradient = gradient * scale
    mean = MEAN_DECAY * mean + (1.0 - MEAN_DECAY) * gradient
    square = SQUARE_DECAY * square + (1.0 - SQUARE_DECAY) * mx.square(gradient)
    unbiased_mean = mean / mean_weight
    unbiased_square = square / square_weight
    decayed = parameter * (1.0 - learning_rate * weight_decay)
    updated = decayed - learning_rate * unbiased_mean / (mx.sqrt(unbiased_square) + EPSILON)
    return updated, mean, square, keep * average + (1.0 - keep) * updated
