"""Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019).

One compiled function updates all parameters as one vector: array by array, the many small
operations of an update take longer on the CPU than their arithmetic. For two cores there are two
such vectors. It also updates an exponential moving average of the parameters, which is what plays:
single steps leave noise in the parameters that is as large as the differences between actions
(Polyak and Juditsky 1992).
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.networks.second_stream import aside
from mlx_muzero.training.model_parts import ModelParts

Halves = list[mx.array]
"""All parameters end to end, in two vectors or in one."""

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
        two_cores: whether half of the parameters are updated on the second stream.

    Attributes:
        state: "step" (number of updates), and as `Halves` "mean", "square" (moments) and "average".
    """

    _parameter: Halves
    """The parameters, of which those of the model are parts."""

    def __init__(
        self,
        model: nn.Module,
        learning_rate: Callable[[mx.array], mx.array],
        weight_decay: float,
        average_decay: float,
        *,
        two_cores: bool = False,
    ) -> None:
        self._model = ModelParts(model)
        self._learning_rate = learning_rate
        self._average_decay = average_decay
        parameters = self._parameters()
        self._shapes = {name: array.shape for name, array in parameters.items()}
        sizes = {name: array.size for name, array in parameters.items()}
        self._halves = _in_halves(sizes) if two_cores else [list(sizes)]
        self._cuts = [
            list(accumulate(sizes[name] for name in names))[:-1] for names in self._halves
        ]
        average = self.end_to_end(parameters)
        self.state: dict[str, Any] = {
            "step": mx.array(0, mx.uint32),
            "mean": [mx.zeros_like(half) for half in average],
            "square": [mx.zeros_like(half) for half in average],
            "average": average,
        }
        self._parts = dict[str, mx.array]()
        self._weight_decay = weight_decay
        update = _adam_and_average if average_decay else _adam
        # Not the same function twice: what is compiled stays on the stream of its first call.
        self._adam = [mx.compile(partial(update)) for _ in average]

    def update(self, gradient: Halves, scale: mx.array) -> None:
        """Update once with `gradient`, made by `end_to_end`, times the scalar `scale`."""
        state = self.state
        learning_rate = self._learning_rate(state["step"])
        state["step"] = state["step"] + 1
        step = state["step"].astype(mx.float32)
        # Not inside: the compiled function would compute them once per parameter.
        scalars = (
            (1.0 - MEAN_DECAY) * scale,
            (1.0 - SQUARE_DECAY) * mx.square(scale),
            1.0 - learning_rate * self._weight_decay,
            learning_rate / (1.0 - MEAN_DECAY**step),
            mx.rsqrt(1.0 - SQUARE_DECAY**step),
        )
        # Early parameters are not worth remembering: the memory grows from 10 steps.
        keep = mx.minimum(self._average_decay, (1.0 + step) / (10.0 + step))
        averaging = (keep, 1.0 - keep) if self._average_decay else ()
        moved = list[Sequence[mx.array]]()
        for half, parameter in enumerate(self._end_to_end_parameters()):
            before = parameter, gradient[half], state["mean"][half], state["square"][half]
            average = (state["average"][half],) if averaging else ()
            with aside(half > 0):
                moved.append(self._adam[half](*before, *scalars, *average, *averaging))
        parameters, state["mean"], state["square"], *averages = map(list, zip(*moved, strict=True))
        state["average"] = averages[0] if averaging else parameters
        self._move_to(parameters)

    def average(self) -> dict[str, mx.array]:
        """The averaged parameters by name."""
        return self.by_name(self.state["average"])

    def arrays(self) -> dict[str, mx.array]:
        """State for a checkpoint without the average: parameters and moments by name."""
        arrays = {"step": self.state["step"]}
        arrays |= {f"parameter.{name}": array for name, array in self._parameters().items()}
        for moment in _MOMENTS:
            for name, array in self.by_name(self.state[moment]).items():
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
        self._move_to(self.end_to_end({n: arrays[f"parameter.{n}"] for n in self._shapes}))
        self.state["step"] = arrays["step"]
        self.state["average"] = self.end_to_end(average)
        for moment in _MOMENTS:
            self.state[moment] = self.end_to_end({n: arrays[f"{moment}.{n}"] for n in self._shapes})

    def _parameters(self) -> dict[str, mx.array]:
        return dict(zip(self._model.names, self._model.parameters(), strict=True))

    def end_to_end(self, arrays: dict[str, mx.array]) -> Halves:
        """Arrays by parameter name as vectors."""
        found = Halves()
        for half, names in enumerate(self._halves):
            with aside(half > 0):
                found.append(mx.concatenate([arrays[name].reshape(-1) for name in names]))
        return found

    def by_name(self, halves: Halves) -> dict[str, mx.array]:
        """Inverse of `end_to_end`."""
        return {
            name: piece.reshape(self._shapes[name])
            for names, cuts, vector in zip(self._halves, self._cuts, halves, strict=True)
            for name, piece in zip(names, mx.split(vector, cuts), strict=True)
        }

    def _end_to_end_parameters(self) -> Halves:
        """The model's parameters as vectors, copied only if others have been put in place."""
        parameters = self._parameters()
        if any(parameters[name] is not self._parts.get(name) for name in self._shapes):
            return self.end_to_end(parameters)
        return self._parameter

    def _move_to(self, parameter: Halves) -> None:
        self._parameter, self._parts = parameter, self.by_name(parameter)
        self._model.put(self._parts[name] for name in self._model.names)


def _in_halves(sizes: dict[str, int]) -> list[list[str]]:
    """Names in two lists of about equal size, in order; in one, if there is one name."""
    names, ends = list(sizes), list(accumulate(sizes.values()))
    middle = min(range(len(names)), key=lambda at: abs(2 * ends[at] - ends[-1])) + 1
    return [half for half in (names[:middle], names[middle:]) if half]


def _adam(
    parameter: mx.array,
    gradient: mx.array,
    mean: mx.array,
    square: mx.array,
    mean_gain: mx.array,
    square_gain: mx.array,
    kept: mx.array,
    step_size: mx.array,
    root_gain: mx.array,
) -> tuple[mx.array, mx.array, mx.array]:
    """Updated parameter and moments. One root and one division: they take most of the time."""
    mean = MEAN_DECAY * mean + mean_gain * gradient
    square = SQUARE_DECAY * square + square_gain * mx.square(gradient)
    return (
        kept * parameter - step_size * mean / (mx.sqrt(square) * root_gain + EPSILON),
        mean,
        square,
    )


def _adam_and_average(
    *before: mx.array,
) -> tuple[mx.array, mx.array, mx.array, mx.array]:
    """`_adam`, and the average with the updated parameter; after its arguments those of this."""
    *of_adam, average, keep, take = before
    parameter, mean, square = _adam(*of_adam)
    return parameter, mean, square, keep * average + take * parameter
