"""Functions of an asset that were read back, as plain values."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.interface import Shape
from mlx_muzero.exports.manifest import Precision

_ELEMENT_TYPES = {"fp16": "f16", "fp32": "f32"}


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        kind: what it does, without prefixes; of a composite, the operation it stands for.
        operands: names of the tensors it reads.
        result: name of the tensor it computes.
        shape: shape of that.
        element_type: its numbers, such as ``f16``.
        attributes: of a composite, the declaration, as the library writes it.
    """

    kind: str
    operands: tuple[str, ...]
    result: str
    shape: Shape
    element_type: str
    attributes: str = ""


@dataclass(frozen=True, eq=False)
class Function:
    """A function of an asset.

    Attributes:
        inputs: shapes of its inputs by name, without the states.
        outputs: shape of each output by name, and the name of the tensor written to its state.
        operations: in order, without constants.
        constants: arrays by the name of their tensor.
    """

    inputs: dict[str, Shape]
    outputs: dict[str, tuple[Shape, str]]
    operations: tuple[Operation, ...]
    constants: dict[str, npt.NDArray[Any]]

    def histogram(self) -> dict[str, int]:
        """Number of occurrences of each operation, most frequent first."""
        return dict(Counter(op.kind for op in self.operations).most_common())

    def digest(self) -> str:
        """SHA-256 over weights and structure, whatever wrote them and into which file."""
        found = hashlib.sha256(repr((self.inputs, self.outputs, self.operations)).encode())
        for name, array in self.constants.items():
            found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            found.update(array.tobytes())
        return found.hexdigest()


def require_precision(function: Function, precision: Precision) -> None:
    """Check that every tensor inside has the precision; only inputs and outputs are float32.

    Raises:
        ExportError: an operation has another precision; the message names it.
    """
    edges = {tensor for _, tensor in function.outputs.values()}
    for op in function.operations:
        if op.element_type != _ELEMENT_TYPES[precision] and op.result not in edges:
            raise ExportError(
                f"operation {op.result} ({op.kind}) computes in {op.element_type}, not in "
                f"{precision}: the Neural Engine would not run it"
            )
