"""Runs a saved package in NumPy, rounding as the Neural Engine would.

It executes the saved file, so mistakes in building, converting or saving a program show up without
a Mac. Every result is rounded to the precision of its operation, and sums accumulate in float32.
That models the chip; it is not the chip.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero import blas
from mlx_muzero.coreml import kernels
from mlx_muzero.coreml.packages import operations, read_function
from mlx_muzero.coreml.toolkit import types
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.half_precision import round_to_half
from mlx_muzero.exports.interface import Shape
from mlx_muzero.types import F32


@dataclass(frozen=True)
class _Step:
    """One operation: reads `sources`, writes `target`; nobody reads the tensors in `done` later."""

    kernel: kernels.Kernel
    sources: list[str]
    target: str
    shape: Shape
    rounds: bool
    done: list[str]


class Interpreter:
    """One function of a saved package as a `Program`; constants are prepared once."""

    def __init__(self, package: Path, function: str | None = None) -> None:
        """Read the package.

        Args:
            package: the package.
            function: its name in the package; None if the package has one function.

        Raises:
            ExportError: it cannot be read, or has an operation that no export contains.
        """
        blas.limit_numpy_threads()
        loaded = read_function(package, function)
        self._name = f"{package.name} {function or ''}".strip()
        self._inputs = {name: tuple(var.shape) for name, var in loaded.inputs.items()}
        self._outputs = [var.name for var in loaded.outputs]
        self._steps = _steps(operations(loaded), self._outputs)

    def __call__(self, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """See `Program`."""
        tensors = {name: self._input(name, shape, inputs) for name, shape in self._inputs.items()}
        # Overflow and NaN come from the program; the caller finds them in the outputs.
        with np.errstate(all="ignore"):
            for step in self._steps:
                result = step.kernel(*[tensors[name] for name in step.sources])
                if result.shape != step.shape:
                    raise ExportError(
                        f"{self._name}: {step.target} came out as {result.shape}, "
                        f"the package says {step.shape}"
                    )
                tensors[step.target] = round_to_half(result) if step.rounds else result
                for name in step.done:
                    del tensors[name]
        return {name: tensors[name] for name in self._outputs}

    def _input(self, name: str, shape: Shape, inputs: Mapping[str, F32]) -> F32:
        if name not in inputs:
            raise ExportError(f"{self._name}: input {name} is missing")
        array = inputs[name]
        if array.shape != shape:
            raise ExportError(f"{self._name}: input {name} is {array.shape}, wanted {shape}")
        return np.asarray(array, np.float32)


def _steps(ops: list[Any], outputs: list[str]) -> list[_Step]:
    sources = [kernels.sources(op) for op in ops]
    last_use = {name: i for i, names in enumerate(sources) for name in names}
    return [
        _Step(
            kernel=kernels.kernel(op),
            sources=names,
            target=op.outputs[0].name,
            shape=tuple(op.outputs[0].shape),
            rounds=op.outputs[0].dtype == types.fp16 and op.op_type not in kernels.EXACT,
            done=[name for name in set(names) if last_use[name] == i and name not in outputs],
        )
        for i, (op, names) in enumerate(zip(ops, sources, strict=True))
    ]
