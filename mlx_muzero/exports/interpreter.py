"""Runs a saved program in NumPy, rounding as the Neural Engine would.

It executes what was read back from the saved file, so mistakes in building, converting or saving a
program show up without a Mac. Every result is rounded to the precision of its operation, and sums
accumulate in float32. That models the chip; it is not the chip.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from mlx_muzero import blas
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.half_precision import round_to_half
from mlx_muzero.exports.interface import Shape
from mlx_muzero.exports.kernels import Kernel
from mlx_muzero.types import F32


@dataclass(frozen=True)
class Step:
    """One operation.

    Attributes:
        kernel: computes it.
        sources: names of the tensors it reads.
        target: name of its result.
        shape: the shape that the file states for the result.
        rounds: whether the result is rounded to float16.
    """

    kernel: Kernel
    sources: tuple[str, ...]
    target: str
    shape: Shape
    rounds: bool


class Interpreter:
    """One saved program as a `Program`."""

    def __init__(
        self,
        name: str,
        inputs: Mapping[str, Shape],
        steps: Iterable[Step],
        outputs: Mapping[str, str],
    ) -> None:
        """Prepare to run.

        Args:
            name: display name.
            inputs: shape of each input.
            steps: its operations, in order.
            outputs: the tensor that becomes each output.
        """
        blas.limit_numpy_threads()
        self._name, self._inputs, self._outputs = name, dict(inputs), dict(outputs)
        self._steps = tuple(steps)
        self._done = _last_readers(self._steps, set(self._outputs.values()))

    def __call__(self, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """See `Program`."""
        tensors = {name: self._input(name, shape, inputs) for name, shape in self._inputs.items()}
        # Overflow and NaN come from the program; the caller finds them in the outputs.
        with np.errstate(all="ignore"):
            for step, done in zip(self._steps, self._done, strict=True):
                result = step.kernel(*[tensors[name] for name in step.sources])
                if result.shape != step.shape:
                    raise ExportError(
                        f"{self._name}: {step.target} came out as {result.shape}, "
                        f"the package says {step.shape}"
                    )
                tensors[step.target] = round_to_half(result) if step.rounds else result
                for name in done:
                    del tensors[name]
        return {name: tensors[tensor] for name, tensor in self._outputs.items()}

    def _input(self, name: str, shape: Shape, inputs: Mapping[str, F32]) -> F32:
        if name not in inputs:
            raise ExportError(f"{self._name}: input {name} is missing")
        array = inputs[name]
        if array.shape != shape:
            raise ExportError(f"{self._name}: input {name} is {array.shape}, wanted {shape}")
        return np.asarray(array, np.float32)


def _last_readers(steps: tuple[Step, ...], kept: set[str]) -> list[list[str]]:
    """For each step, the tensors that nobody reads after it."""
    last_use = {name: i for i, step in enumerate(steps) for name in step.sources}
    return [
        [name for name in set(step.sources) if last_use[name] == i and name not in kept]
        for i, step in enumerate(steps)
    ]
