"""Copies a model's weights into its C++ networks."""

from collections.abc import Mapping
from typing import Protocol

import mlx.core as mx
import numpy as np

from mlx_muzero.errors import SearchError
from mlx_muzero.types import F32


class _Network(Protocol):
    """A network in `_core` whose weights can be loaded."""

    def parameters(self) -> list[tuple[str, list[int]]]:
        """Names and shapes of the arrays to load."""
        ...

    def load(self, arrays: list[F32]) -> None:
        """Copy float32 arrays, given in the order of `parameters`."""
        ...


def load_parameters(network: _Network, arrays: Mapping[str, F32]) -> None:
    """Copy contiguous `arrays`, by name, into `network`.

    Raises:
        SearchError: a parameter is missing, unknown or has another shape; names it.
    """
    shapes = {name: tuple(shape) for name, shape in network.parameters()}
    for name in sorted(arrays.keys() | shapes.keys()):
        got = arrays[name].shape if name in arrays else "missing"
        if got != shapes.get(name):
            raise SearchError(
                f"the native backend cannot represent this model: parameter {name} is {got}, "
                f'expected {shapes.get(name, "none")}; use search.backend = "mlx"'
            )
    network.load([arrays[name] for name in shapes])


def floats(array: mx.array) -> F32:
    """`array` as C++ expects it: contiguous float32 in NumPy."""
    return np.ascontiguousarray(np.asarray(array.astype(mx.float32)))
