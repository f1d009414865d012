"""The operations of saved packages in NumPy, each prepared once.

Sums run in float32; the caller of a kernel rounds its result to the operation's precision.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.errors import ExportError
from mlx_muzero.types import F32

Kernel = Callable[..., F32]
"""Maps the non-constant tensors, in `sources` order, to the result, float32."""

EXACT = frozenset({"concat", "identity", "relu", "slice_by_index", "transpose"})
"""Operations that need no rounding if their inputs are rounded."""


def sources(op: Any) -> list[str]:
    """Names of the non-constant tensors an operation reads, in the order of its kernel."""
    return [var.name for var in _tensors(op) if var.val is None]


def kernel(op: Any) -> Kernel:
    """The kernel of `op`.

    Raises:
        ExportError: no export contains this operation, or this form of it.
    """
    if op.op_type not in _KERNELS:
        raise _unknown(op)
    return _KERNELS[op.op_type](op)


def _tensors(op: Any) -> Iterable[Any]:
    if op.op_type == "concat":
        return op.values
    return (op.x, op.y) if op.op_type in _BINARY else (op.x,)


def _unknown(op: Any) -> ExportError:
    return ExportError(f"the interpreter cannot run operation {op.name} ({op.op_type})")


def _binary(op: Any) -> Kernel:
    function = _BINARY[op.op_type]
    x, y = (None if var.val is None else np.asarray(var.val, np.float32) for var in (op.x, op.y))
    if x is not None:
        return lambda b: function(x, b)
    if y is not None:
        return lambda a: function(a, y)
    return function


def _conv(op: Any) -> Kernel:
    """A convolution over the last axis, causal or of whole windows, as one matrix product."""
    weight = np.asarray(op.weight.val, np.float32)
    outputs, inputs, height, taps = weight.shape
    dilation = int(op.dilations.val[1])
    before = int(op.pad.val[2])
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
    matrix = np.ascontiguousarray(weight[:, :, 0].transpose(0, 2, 1).reshape(outputs, -1))
    bias = np.asarray(op.bias.val, np.float32)[:, None]

    def run(x: F32) -> F32:
        _, _, rows, width = x.shape
        width += before - (taps - 1) * dilation
        if taps == 1:
            columns = x.reshape(inputs, -1)
        else:
            padded = np.pad(x[0], ((0, 0), (0, 0), (before, 0)))
            shifted = [padded[:, :, tap * dilation :][:, :, :width] for tap in range(taps)]
            columns = np.concatenate(shifted).reshape(taps * inputs, -1)
        product = matrix @ columns
        product += bias
        return product.reshape(1, outputs, rows, width)

    return run


def _layer_norm(op: Any) -> Kernel:
    if list(op.axes.val) != [1]:
        raise _unknown(op)
    epsilon = np.float32(op.epsilon.val)
    gamma, beta = (
        np.asarray(var.val, np.float32)[None, :, None, None] for var in (op.gamma, op.beta)
    )

    def run(x: F32) -> F32:
        centered = x - x.mean(axis=1, keepdims=True)
        variance = np.square(centered).mean(axis=1, keepdims=True)
        centered *= 1.0 / np.sqrt(variance + epsilon)
        centered *= gamma
        centered += beta
        return centered

    return run


def _softmax(op: Any) -> Kernel:
    axis = int(op.axis.val)

    def run(x: F32) -> F32:
        weights = np.exp(x - x.max(axis=axis, keepdims=True))
        return weights / weights.sum(axis=axis, keepdims=True)

    return run


def _reduce(function: Callable[..., Any]) -> Callable[[Any], Kernel]:
    def prepare(op: Any) -> Kernel:
        axes = tuple(int(axis) for axis in op.axes.val)
        keep = bool(op.keep_dims.val)
        return lambda x: function(x, axis=axes, keepdims=keep)

    return prepare


def _rsqrt(op: Any) -> Kernel:
    epsilon = np.float32(op.epsilon.val)
    return lambda x: 1.0 / np.sqrt(x + epsilon)


def _transpose(op: Any) -> Kernel:
    axes = tuple(int(axis) for axis in op.perm.val)
    return lambda x: np.ascontiguousarray(x.transpose(axes))


def _concat(op: Any) -> Kernel:
    axis = int(op.axis.val)
    if op.interleave.val:
        raise _unknown(op)
    return lambda *images: np.concatenate(images, axis=axis)


def _slice(op: Any) -> Kernel:
    if op.stride is not None or op.squeeze_mask is not None:
        raise _unknown(op)
    window = tuple(
        slice(None if from_start else int(begin), None if to_end else int(end))
        for begin, end, from_start, to_end in zip(
            op.begin.val, op.end.val, op.begin_mask.val, op.end_mask.val, strict=True
        )
    )
    return lambda x: x[window]


def _relu(op: Any) -> Kernel:
    return lambda x: np.maximum(x, np.float32(0.0))


def _copy(op: Any) -> Kernel:
    # The result is rounded in place, and the input may be read again.
    return lambda x: x.copy()


def _same(op: Any) -> Kernel:
    return lambda x: x


def _matmul(op: Any) -> Kernel:
    if op.transpose_x.val or op.transpose_y.val:
        raise _unknown(op)
    return _binary(op)


_BINARY: dict[str, Callable[..., npt.NDArray[Any]]] = {
    "add": np.add,
    "matmul": np.matmul,
    "mul": np.multiply,
    "sub": np.subtract,
}
_KERNELS: dict[str, Callable[[Any], Kernel]] = {
    **dict.fromkeys(_BINARY, _binary),
    "cast": _copy,
    "concat": _concat,
    "conv": _conv,
    "identity": _same,
    "layer_norm": _layer_norm,
    "matmul": _matmul,
    "reduce_mean": _reduce(np.mean),
    "reduce_sum": _reduce(np.sum),
    "relu": _relu,
    "rsqrt": _rsqrt,
    "slice_by_index": _slice,
    "softmax": _softmax,
    "transpose": _transpose,
}
