"""The operations of saved Core AI assets, as steps of the interpreter."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mlx_muzero.coreai.functions import Function, Operation
from mlx_muzero.errors import ExportError
from mlx_muzero.exports import kernels
from mlx_muzero.exports.half_precision import round_to_half
from mlx_muzero.exports.interpreter import Interpreter, Step
from mlx_muzero.exports.kernels import Kernel
from mlx_muzero.types import F32

_EXACT = frozenset({"concat", "pad", "relu", "reshape", "slice", "transpose"})
"""Operations that need no rounding if their inputs are rounded."""

_DEQUANTIZE = "blockwise_shift_scale"
"""Makes a weight of int8 numbers and their scales."""

_LAYER_NORM = re.compile(r"op_attrs = \{axes = \[1 : si64\], eps = ([0-9.E+-]+) : f32,")


def interpreter(name: str, function: Function) -> Interpreter:
    """Prepare to run a function that was read back, in NumPy.

    A composite is run as the operation it declares; Apple's runtime runs what it spells out.

    Args:
        name: display name.
        function: the function.

    Raises:
        ExportError: it has an operation that no export contains.
    """
    return Interpreter(
        name=name,
        inputs=function.inputs,
        steps=_Steps(function).steps(),
        outputs={output: tensor for output, (_, tensor) in function.outputs.items()},
    )


class _Steps:
    """Translates the operations of a function."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._constants = dict(function.constants)

    def steps(self) -> Iterator[Step]:
        """All operations, in order; those on constants are done here."""
        for op in self._function.operations:
            if op.kind == _DEQUANTIZE:
                self._constants[op.result] = self._dequantized(op)
                continue
            if op.kind not in _KERNELS:
                raise _unknown(op)
            yield Step(
                kernel=_KERNELS[op.kind](self, op),
                sources=tuple(n for n in op.operands if n not in self._constants),
                target=op.result,
                shape=op.shape,
                rounds=op.element_type == "f16" and op.kind not in _EXACT,
            )

    def array(self, op: Operation, number: int) -> F32:
        """The constant that an operation reads as its operand `number`."""
        name = op.operands[number]
        if name not in self._constants:
            raise _unknown(op)
        return np.asarray(self._constants[name], np.float32)

    def integers(self, op: Operation, number: int) -> tuple[int, ...]:
        """The same as integers."""
        return tuple(int(value) for value in self.array(op, number).ravel())

    def operand(self, op: Operation, number: int) -> F32 | None:
        """The same; None if that operand is not constant."""
        constant = op.operands[number] in self._constants
        return self.array(op, number) if constant else None

    def _dequantized(self, op: Operation) -> F32:
        data, scale, before, after = (self.array(op, number) for number in range(4))
        values = scale * (data - before) + after
        return round_to_half(values) if op.element_type == "f16" else values


def _unknown(op: Operation) -> ExportError:
    return ExportError(f"the interpreter cannot run operation {op.result} ({op.kind})")


def _binary(kind: str) -> Callable[[_Steps, Operation], Kernel]:
    def prepare(steps: _Steps, op: Operation) -> Kernel:
        return kernels.binary(kind, steps.operand(op, 0), steps.operand(op, 1))

    return prepare


def _conv(steps: _Steps, op: Operation) -> Kernel:
    """A convolution over the last axis, without padding; the bias is added by another operation."""
    weight, (_, dilation) = steps.array(op, 1), steps.integers(op, 3)
    plain = (
        weight.shape[2] == 1 and steps.integers(op, 2) == (1, 1) and steps.integers(op, 4) == (1,)
    )
    if not plain:
        raise _unknown(op)
    bias = np.zeros(len(weight), np.float32)
    return kernels.conv(weight[:, :, 0], bias, dilation=dilation, before=0)


def _layer_norm(steps: _Steps, op: Operation) -> Kernel:
    found = _LAYER_NORM.search(op.attributes)
    if found is None:
        raise _unknown(op)
    scale, shift = (steps.array(op, number).ravel() for number in (1, 2))
    return kernels.layer_norm(scale, shift, np.float32(found[1]))


def _reduce(function: Callable[..., Any]) -> Callable[[_Steps, Operation], Kernel]:
    def prepare(steps: _Steps, op: Operation) -> Kernel:
        return kernels.reduce(function, steps.integers(op, 1), keep=True)

    return prepare


def _slice(steps: _Steps, op: Operation) -> Kernel:
    bounds = zip(*(steps.integers(op, number) for number in (1, 2, 3)), strict=True)
    return kernels.part(tuple(slice(*ends) for ends in bounds))


def _pad(steps: _Steps, op: Operation) -> Kernel:
    widths = steps.integers(op, 1)
    if steps.array(op, 2) != 0.0:
        raise _unknown(op)
    return kernels.pad(tuple(zip(widths[::2], widths[1::2], strict=True)))


def _concat(steps: _Steps, op: Operation) -> Kernel:
    (axis,) = steps.integers(op, 0)
    return kernels.concat(axis)


_KERNELS: dict[str, Callable[[_Steps, Operation], Kernel]] = {
    "add": _binary("add"),
    "batch_matmul": _binary("matmul"),
    "cast": lambda steps, op: kernels.copy,
    "concat": _concat,
    "conv2d": _conv,
    "layer_norm": _layer_norm,
    "mul": _binary("mul"),
    "pad": _pad,
    "reduce_mean": _reduce(np.mean),
    "reduce_sum": _reduce(np.sum),
    "relu": lambda steps, op: kernels.relu,
    "reshape": lambda steps, op: kernels.reshape(op.shape),
    "rsqrt": lambda steps, op: kernels.rsqrt(np.float32(0.0)),
    "slice": _slice,
    "softmax": lambda steps, op: kernels.softmax(*steps.integers(op, 1)),
    "sub": _binary("sub"),
    "transpose": lambda steps, op: kernels.transpose(steps.integers(op, 1)),
}
