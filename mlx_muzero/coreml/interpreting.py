"""The operations of saved Core ML packages, as steps of the interpreter."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero.coreml.packages import operations, read_function
from mlx_muzero.coreml.toolkit import types
from mlx_muzero.errors import ExportError
from mlx_muzero.exports import kernels
from mlx_muzero.exports.interpreter import Interpreter, Step
from mlx_muzero.exports.kernels import Kernel
from mlx_muzero.types import F32

_EXACT = frozenset({"concat", "identity", "relu", "slice_by_index", "transpose"})
"""Operations that need no rounding if their inputs are rounded."""


def interpreter(package: Path, function: str | None = None) -> Interpreter:
    """Read one function of a saved package, to run it in NumPy.

    Args:
        package: the package.
        function: its name in the package; None if the package has one function.

    Raises:
        ExportError: it cannot be read, or has an operation that no export contains.
    """
    loaded = read_function(package, function)
    return Interpreter(
        name=f"{package.name} {function or ''}".strip(),
        inputs={name: tuple(var.shape) for name, var in loaded.inputs.items()},
        steps=map(_step, operations(loaded)),
        outputs={var.name: var.name for var in loaded.outputs},
    )


def _step(op: Any) -> Step:
    if op.op_type not in _KERNELS:
        raise _unknown(op)
    (result,) = op.outputs
    return Step(
        kernel=_KERNELS[op.op_type](op),
        sources=tuple(var.name for var in _tensors(op) if var.val is None),
        target=result.name,
        shape=tuple(result.shape),
        rounds=result.dtype == types.fp16 and op.op_type not in _EXACT,
    )


def _tensors(op: Any) -> Iterable[Any]:
    if op.op_type == "concat":
        return op.values
    return (op.x, op.y) if op.op_type in kernels.BINARY else (op.x,)


def _unknown(op: Any) -> ExportError:
    return ExportError(f"the interpreter cannot run operation {op.name} ({op.op_type})")


def _array(var: Any) -> F32:
    return np.asarray(var.val, np.float32)


def _binary(op: Any) -> Kernel:
    x, y = (None if var.val is None else _array(var) for var in (op.x, op.y))
    return kernels.binary(op.op_type, x, y)


def _conv(op: Any) -> Kernel:
    """A convolution over the last axis, causal or of whole windows."""
    weight = _array(op.weight)
    _, _, height, taps = weight.shape
    dilation, before = int(op.dilations.val[1]), int(op.pad.val[2])
    plain = (
        height == 1
        and op.groups.val == 1
        and set(op.strides.val) == {1}
        and op.pad_type.val == "custom"
        and list(op.pad.val) == [0, 0, before, 0]
        and before in (0, (taps - 1) * dilation)
    )
    if not plain:
        raise _unknown(op)
    return kernels.conv(weight[:, :, 0], _array(op.bias), dilation=dilation, before=before)


def _layer_norm(op: Any) -> Kernel:
    if list(op.axes.val) != [1]:
        raise _unknown(op)
    return kernels.layer_norm(_array(op.gamma), _array(op.beta), np.float32(op.epsilon.val))


def _reduce(function: Callable[..., Any]) -> Callable[[Any], Kernel]:
    def prepare(op: Any) -> Kernel:
        axes = tuple(int(axis) for axis in op.axes.val)
        return kernels.reduce(function, axes, keep=bool(op.keep_dims.val))

    return prepare


def _concat(op: Any) -> Kernel:
    if op.interleave.val:
        raise _unknown(op)
    return kernels.concat(int(op.axis.val))


def _slice(op: Any) -> Kernel:
    if op.stride is not None or op.squeeze_mask is not None:
        raise _unknown(op)
    return kernels.part(
        tuple(
            slice(None if from_start else int(begin), None if to_end else int(end))
            for begin, end, from_start, to_end in zip(
                op.begin.val, op.end.val, op.begin_mask.val, op.end_mask.val, strict=True
            )
        )
    )


def _matmul(op: Any) -> Kernel:
    if op.transpose_x.val or op.transpose_y.val:
        raise _unknown(op)
    return _binary(op)


_KERNELS: dict[str, Callable[[Any], Kernel]] = {
    **dict.fromkeys(kernels.BINARY, _binary),
    "cast": lambda op: kernels.copy,
    "concat": _concat,
    "conv": _conv,
    "identity": lambda op: kernels.same,
    "layer_norm": _layer_norm,
    "matmul": _matmul,
    "reduce_mean": _reduce(np.mean),
    "reduce_sum": _reduce(np.sum),
    "relu": lambda op: kernels.relu,
    "rsqrt": lambda op: kernels.rsqrt(np.float32(op.epsilon.val)),
    "slice_by_index": _slice,
    "softmax": lambda op: kernels.softmax(int(op.axis.val)),
    "transpose": lambda op: kernels.transpose(tuple(int(axis) for axis in op.perm.val)),
}
