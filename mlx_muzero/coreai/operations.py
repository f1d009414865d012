"""The operations of programs in Core AI's authoring language."""

import numpy as np
import numpy.typing as npt

from mlx_muzero.coreai.graphs import Composite, Tensor
from mlx_muzero.coreai.toolkit import authoring as ca
from mlx_muzero.coreai.toolkit import constant
from mlx_muzero.exports.graphs.layers import decomposed_norm
from mlx_muzero.exports.graphs.operations import Var
from mlx_muzero.exports.interface import Shape
from mlx_muzero.exports.layers import LayerNorm
from mlx_muzero.exports.manifest import Precision, Weights
from mlx_muzero.networks.folding import NORM_EPSILON
from mlx_muzero.types import F32

LAYER_NORM = "layer_norm"

_ONE = np.uint32(1)
_LARGEST = 127
"""The largest int8, and minus the least one used."""


class CoreAiOperations:
    """`Operations` (`mlx_muzero.exports.graphs`) for the module that is being written.

    Core AI has no operation for layer norm. A composite stands for it: a graph that spells it out,
    with a declaration by which a device's compiler knows what it is. One serves all layers of a
    shape.
    """

    def __init__(self, precision: Precision, weights: Weights) -> None:
        self._dtype: type[np.float16 | np.float32] = (
            np.float16 if precision == "fp16" else np.float32
        )
        self._weights = weights
        self._norms: dict[Shape, Composite] = {}

    def entered(self, x: Var) -> Var:
        """See `Operations`."""
        return ca.cast(x, np.float16) if self._dtype is np.float16 else x

    def output(self, name: str, x: Var) -> Var:
        """See `Operations`; names are those of the graph's outputs."""
        return ca.cast(x, np.float32) if self._dtype is np.float16 else x

    def constant(self, values: F32) -> Var:
        """See `Operations`."""
        return constant(values.astype(self._dtype))

    def scalar(self, value: float) -> Var:
        """See `Operations`."""
        return constant(np.array(value, self._dtype))

    def conv(
        self, x: Var, weight: F32, bias: F32, *, dilation: int = 1, before: int = 0, name: str
    ) -> Var:
        """See `Operations`; layers have no names in an asset."""
        if before:
            x = ca.pad(x, np.array([0, 0, 0, 0, 0, 0, before, 0], np.uint32), self.scalar(0.0))
        product = ca.conv2d(
            x,
            self._stored(weight[:, :, None, :]),
            np.array([1, 1], np.uint32),
            np.array([1, dilation], np.uint32),
            _ONE,
        )
        return ca.broadcasting_add(product, self.constant(bias[None, :, None, None]))

    def _stored(self, weight: F32) -> Var:
        """The weight of a layer, dequantized if it is stored as int8."""
        if self._weights == "float":
            return self.constant(weight)
        scale = np.abs(weight).max(axis=(1, 2, 3), keepdims=True) / _LARGEST
        scale = np.where(scale == 0.0, 1.0, scale).astype(self._dtype)
        data = np.rint(weight / scale.astype(np.float32)).clip(-_LARGEST, _LARGEST)
        none = np.zeros_like(scale)
        return ca.blockwise_shift_scale(data.astype(np.int8), scale, none.astype(np.int8), none)

    def layer_norm(self, x: Var, layer: LayerNorm) -> Var:
        """See `Operations`."""
        shape = tuple(x.type.shape)
        if shape not in self._norms:
            self._norms[shape] = self._norm_of(shape)
        scale, shift = (self.constant(v[None, :, None, None]) for v in (layer.scale, layer.shift))
        return self._norms[shape](x, scale, shift)

    def _norm_of(self, shape: Shape) -> Composite:
        column = (1, shape[1], 1, 1)
        inputs = {
            name: Tensor(size, self._dtype)
            for name, size in (("input", shape), ("weight", column), ("bias", column))
        }
        return Composite(
            f"{LAYER_NORM}_{'x'.join(map(str, shape))}",
            inputs,
            Tensor(shape, self._dtype),
            lambda x, scale, shift: decomposed_norm(self, x, scale, shift, LAYER_NORM),
            LAYER_NORM,
            f"axes = [1 : si64], eps = {NORM_EPSILON:.1e} : f32, version = 1 : si64",
        )

    def add(self, x: Var, y: Var, name: str | None = None) -> Var:
        """See `Operations`."""
        return ca.broadcasting_add(x, y)

    def sub(self, x: Var, y: Var) -> Var:
        """See `Operations`."""
        return ca.broadcasting_sub(x, y)

    def mul(self, x: Var, y: Var) -> Var:
        """See `Operations`."""
        return ca.broadcasting_mul(x, y)

    def matmul(self, x: Var, y: Var) -> Var:
        """See `Operations`."""
        return ca.broadcasting_batch_matmul(x, y)

    def relu(self, x: Var) -> Var:
        """See `Operations`."""
        return ca.relu(x)

    def rsqrt(self, x: Var, epsilon: float) -> Var:
        """See `Operations`."""
        return ca.rsqrt(ca.broadcasting_add(x, self.scalar(epsilon)))

    def softmax(self, x: Var, axis: int) -> Var:
        """See `Operations`."""
        return ca.softmax(x, np.int32(axis))

    def reduce_mean(self, x: Var, axis: int) -> Var:
        """See `Operations`."""
        return ca.reduce_mean(x, _indices(axis))

    def reduce_sum(self, x: Var, axis: int) -> Var:
        """See `Operations`."""
        return ca.reduce_sum(x, _indices(axis))

    def transpose(self, x: Var, axes: tuple[int, int, int, int]) -> Var:
        """See `Operations`."""
        return ca.transpose(x, np.array(axes, np.uint32))

    def concat(self, values: list[Var], axis: int) -> Var:
        """See `Operations`."""
        return ca.concat(np.int32(axis), values) if len(values) > 1 else values[0]

    def part(self, x: Var, axis: int, first: int, stop: int | None = None) -> Var:
        """See `Operations`."""
        start, end = [0] * len(x.type.shape), list(x.type.shape)
        start[axis] = first
        if stop is not None:
            end[axis] = stop
        return ca.slice_(x, _indices(*start), _indices(*end), _indices(*[1] * len(end)))


def _indices(*values: int) -> npt.NDArray[np.int32]:
    return np.array(values, np.int32)
