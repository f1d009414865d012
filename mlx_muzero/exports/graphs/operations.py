"""The operations of which programs consist; each export format states how it writes them.

Every tensor is an image ``(1, channels, height, width)`` of one precision: a sequence is
``(1, channels, n, W)``, a latent ``(1, channels, 1, n)``. An operand that does not change is made
with `constant`. `name` is that of the layer, kept where the format has names.
"""

from typing import Any, Protocol, TypeAlias

from mlx_muzero.exports.layers import LayerNorm
from mlx_muzero.types import F32

Var: TypeAlias = Any
"""A value of the program being built; neither format's library has types for it."""


class Operations(Protocol):
    """A format's operations, in one precision."""

    def entered(self, x: Var) -> Var:
        """Convert a float32 input of the program to the precision inside."""
        ...

    def output(self, name: str, x: Var) -> Var:
        """Convert an output of the program to float32, under its name."""
        ...

    def constant(self, values: F32) -> Var:
        """Convert an array to an operand."""
        ...

    def scalar(self, value: float) -> Var:
        """Convert a number to an operand."""
        ...

    def conv(
        self, x: Var, weight: F32, bias: F32, *, dilation: int = 1, before: int = 0, name: str
    ) -> Var:
        """Convolve over the last axis with `weight` ``f32[out, in, taps]``, and add `bias`.

        `before` zeros are added at the start of the axis.
        """
        ...

    def layer_norm(self, x: Var, layer: LayerNorm) -> Var:
        """Layer norm over the channels of every column, as a single operation."""
        ...

    def add(self, x: Var, y: Var, name: str | None = None) -> Var:
        """Add; sizes of 1 are repeated."""
        ...

    def sub(self, x: Var, y: Var) -> Var:
        """Subtract `y` from `x`, likewise."""
        ...

    def mul(self, x: Var, y: Var) -> Var:
        """Multiply, likewise."""
        ...

    def matmul(self, x: Var, y: Var) -> Var:
        """Products of the matrices in the last two axes."""
        ...

    def relu(self, x: Var) -> Var:
        """The larger of `x` and 0."""
        ...

    def rsqrt(self, x: Var, epsilon: float) -> Var:
        """One over the square root of `x` plus `epsilon`."""
        ...

    def softmax(self, x: Var, axis: int) -> Var:
        """Softmax over `axis`."""
        ...

    def reduce_mean(self, x: Var, axis: int) -> Var:
        """Mean over `axis`, which keeps a size of 1."""
        ...

    def reduce_sum(self, x: Var, axis: int) -> Var:
        """Sum over `axis`, which keeps a size of 1."""
        ...

    def transpose(self, x: Var, axes: tuple[int, int, int, int]) -> Var:
        """Axis i of the result is axis ``axes[i]`` of `x`."""
        ...

    def concat(self, values: list[Var], axis: int) -> Var:
        """Join along `axis`."""
        ...

    def part(self, x: Var, axis: int, first: int, stop: int | None = None) -> Var:
        """Entries `first` to before `stop` along `axis`; to the end if that is None."""
        ...
