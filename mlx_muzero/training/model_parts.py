"""A model's modules and trainable parameters, found once and then reached directly.

Walking the model by names, as `mlx.nn` does for each of its functions, is a quarter of a training
step of small networks on a CPU, and holds up every other thread that runs Python meanwhile.
"""

from collections.abc import Iterable
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten


class ModelParts:
    """The parts of `model`, whose modules must stay the same; their arrays may be replaced.

    Attributes:
        names: of the trainable parameters, in the order of `mlx.nn.Module.trainable_parameters`.
    """

    def __init__(self, model: nn.Module) -> None:
        self._modules = model.modules()
        self.names = tuple(dict(tree_flatten(model.trainable_parameters())))
        self._places = [_place(model, name) for name in self.names]
        fixed = dict(tree_flatten(model.parameters())).keys() - set(self.names)
        self._of_statistics = [_place(model, name) for name in sorted(fixed)]

    def parameters(self) -> list[mx.array]:
        """The trainable parameters, in the order of `names`."""
        return [holder[key] for holder, key in self._places]

    def statistics(self) -> list[mx.array]:
        """The arrays that are no parameters, such as means of batch norms."""
        return [holder[key] for holder, key in self._of_statistics]

    def put(self, parameters: Iterable[mx.array]) -> None:
        """Replace the trainable parameters by others, given in the order of `names`."""
        for (holder, key), array in zip(self._places, parameters, strict=True):
            holder[key] = array

    def train(self, mode: bool) -> None:
        """Set every module to training or evaluation, as `mlx.nn.Module.train`."""
        for module in self._modules:
            module._set_training_mode(mode)


def _place(model: nn.Module, name: str) -> tuple[Any, str | int]:
    """What holds the parameter called `name`, a module (a dict) or a list, and its key there."""
    holder: Any = model
    *path, last = name.split(".")
    for step in path:
        holder = holder[_key(holder, step)]
    return holder, _key(holder, last)


def _key(holder: Any, step: str) -> str | int:
    return int(step) if isinstance(holder, list) else step
