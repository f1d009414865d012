"""The operations of programs in NumPy, each prepared once from its constants.

A kernel maps the tensors that are not constant to the result, float32. Sums run in float32; the
caller of a kernel rounds its result to the operation's precision.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.types import F32

Kernel = Callable[..., F32]
"""Maps tensors to the result, float32."""

BINARY: dict[str, Callable[..., npt.NDArray[Any]]] = {
    "add": np.add,
    "matmul": np.matmul,
    "mul": np.multiply,
    "sub": np.subtract,
}
"""Operations of two tensors, either of which may be constant."""


def binary(kind: str, x: F32 | None, y: F32 | None) -> Kernel:
    """A kernel of `BINARY`; `x` or `y` is None unless it is constant."""
    function = BINARY[kind]
    if x is not None:
        return lambda b: function(x, b)
    if y is not None:
        return lambda a: function(a, y)
    return function


def conv(weight: F32, bias: F32, *, dilation: int, before: int) -> Kernel:
    """Convolve over the last axis with ``f32[out, in, taps]``, as one matrix product."""
    outputs, inputs, taps = weight.shape
    matrix = np.ascontiguousarray(weight.transpose(0, 2, 1).reshape(outputs, -1))
    column = bias[:, None]

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
        product += column
        return product.reshape(1, outputs, rows, width)

    return run


def layer_norm(scale: F32, shift: F32, epsilon: np.float32) -> Kernel:
    """Layer norm over the channels; `scale` and `shift` are ``f32[channels]``."""
    scale, shift = (values[None, :, None, None] for values in (scale, shift))

    def run(x: F32) -> F32:
        centered = x - x.mean(axis=1, keepdims=True)
        variance = np.square(centered).mean(axis=1, keepdims=True)
        centered *= 1.0 / np.sqrt(variance + epsilon)
        centered *= scale
        centered += shift
        return centered

    return run


def softmax(axis: int) -> Kernel:
    """Softmax over `axis`."""

    def run(x: F32) -> F32:
        weights = np.exp(x - x.max(axis=axis, keepdims=True))
        return weights / weights.sum(axis=axis, keepdims=True)

    return run


def reduce(function: Callable[..., Any], axes: tuple[int, ...], *, keep: bool) -> Kernel:
    """Apply `function`, such as ``np.sum``, over `axes`."""
    return lambda x: function(x, axis=axes, keepdims=keep)


def rsqrt(epsilon: np.float32) -> Kernel:
    """One over the square root of the tensor plus `epsilon`."""
    return lambda x: 1.0 / np.sqrt(x + epsilon)


def transpose(axes: tuple[int, ...]) -> Kernel:
    """Reorder the axes."""
    return lambda x: np.ascontiguousarray(x.transpose(axes))


def reshape(shape: tuple[int, ...]) -> Kernel:
    """The same numbers in another shape."""
    return lambda x: x.reshape(shape)


def concat(axis: int) -> Kernel:
    """Join tensors along `axis`."""
    return lambda *images: np.concatenate(images, axis=axis)


def part(window: tuple[slice, ...]) -> Kernel:
    """A part of a tensor."""
    return lambda x: x[window]


def pad(widths: tuple[tuple[int, int], ...]) -> Kernel:
    """Add zeros before and after, by axis."""
    return lambda x: np.pad(x, widths)


def relu(x: F32) -> F32:
    """The larger of `x` and 0."""
    return np.maximum(x, np.float32(0.0))


def copy(x: F32) -> F32:
    """A copy, which may be rounded in place while the input is read again."""
    return x.copy()


def same(x: F32) -> F32:
    """The tensor itself."""
    return x
