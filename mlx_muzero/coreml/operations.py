"""The operations of programs in Core ML's intermediate language (MIL)."""

from typing import Any

import numpy as np

from mlx_muzero.coreml.toolkit import mb
from mlx_muzero.exports.graphs.operations import Var
from mlx_muzero.exports.layers import LayerNorm
from mlx_muzero.exports.manifest import Precision
from mlx_muzero.networks.folding import NORM_EPSILON
from mlx_muzero.types import F32

_RANK = 4


class MilOperations:
    """`Operations` (`mlx_muzero.exports.graphs`) for coremltools' builder."""

    def __init__(self, precision: Precision) -> None:
        self._precision = precision
        self._dtype = np.float16 if precision == "fp16" else np.float32

    def entered(self, x: Var) -> Var:
        """See `Operations`."""
        return mb.cast(x=x, dtype="fp16") if self._precision == "fp16" else x

    def output(self, name: str, x: Var) -> Var:
        """See `Operations`."""
        if self._precision == "fp16":
            return mb.cast(x=x, dtype="fp32", name=name)
        return mb.identity(x=x, name=name)

    def constant(self, values: F32) -> Any:
        """See `Operations`."""
        return values.astype(self._dtype)

    def scalar(self, value: float) -> Any:
        """See `Operations`."""
        return self._dtype(value)

    def conv(
        self, x: Var, weight: F32, bias: F32, *, dilation: int = 1, before: int = 0, name: str
    ) -> Var:
        """See `Operations`."""
        return mb.conv(
            x=x,
            weight=weight[:, :, None, :].astype(self._dtype),
            bias=bias.astype(self._dtype),
            dilations=[1, dilation],
            pad_type="custom",
            pad=[0, 0, before, 0],
            name=name,
        )

    def layer_norm(self, x: Var, layer: LayerNorm) -> Var:
        """See `Operations`."""
        return mb.layer_norm(
            x=x,
            axes=[1],
            gamma=layer.scale.astype(self._dtype),
            beta=layer.shift.astype(self._dtype),
            epsilon=self._dtype(NORM_EPSILON),
            name=layer.name,
        )

    def add(self, x: Var, y: Var, name: str | None = None) -> Var:
        """See `Operations`."""
        return mb.add(x=x, y=y) if name is None else mb.add(x=x, y=y, name=name)

    def sub(self, x: Var, y: Var) -> Var:
        """See `Operations`."""
        return mb.sub(x=x, y=y)

    def mul(self, x: Var, y: Var) -> Var:
        """See `Operations`."""
        return mb.mul(x=x, y=y)

    def matmul(self, x: Var, y: Var) -> Var:
        """See `Operations`."""
        return mb.matmul(x=x, y=y)

    def relu(self, x: Var) -> Var:
        """See `Operations`."""
        return mb.relu(x=x)

    def rsqrt(self, x: Var, epsilon: float) -> Var:
        """See `Operations`."""
        return mb.rsqrt(x=x, epsilon=self._dtype(epsilon))

    def softmax(self, x: Var, axis: int) -> Var:
        """See `Operations`."""
        return mb.softmax(x=x, axis=axis)

    def reduce_mean(self, x: Var, axis: int) -> Var:
        """See `Operations`."""
        return mb.reduce_mean(x=x, axes=[axis], keep_dims=True)

    def reduce_sum(self, x: Var, axis: int) -> Var:
        """See `Operations`."""
        return mb.reduce_sum(x=x, axes=[axis], keep_dims=True)

    def transpose(self, x: Var, axes: tuple[int, int, int, int]) -> Var:
        """See `Operations`."""
        return mb.transpose(x=x, perm=list(axes))

    def concat(self, values: list[Var], axis: int) -> Var:
        """See `Operations`."""
        return mb.concat(values=values, axis=axis)

    def part(self, x: Var, axis: int, first: int, stop: int | None = None) -> Var:
        """See `Operations`."""
        begin, end = [0] * _RANK, [0] * _RANK
        from_start, to_end = [True] * _RANK, [True] * _RANK
        begin[axis], from_start[axis] = first, False
        if stop is not None:
            end[axis], to_end[axis] = stop, False
        return mb.slice_by_index(x=x, begin=begin, end=end, begin_mask=from_start, end_mask=to_end)
