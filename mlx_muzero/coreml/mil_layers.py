"""Layers in Core ML's intermediate language (MIL), on images ``(1, channels, height, width)``."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.coreml.toolkit import mb
from mlx_muzero.exports import manifest
from mlx_muzero.exports.layers import LayerNorm, Linear, ObservationNorm
from mlx_muzero.exports.networks import Conditioned, Tower
from mlx_muzero.networks.folding import NORM_EPSILON
from mlx_muzero.types import F32

Var = Any
"""A value of the program being built; coremltools provides no types."""

SQUARE_SCALE = 0.125
"""Factor applied to deviations before squaring: 256 and above would overflow float16."""


def joined(images: list[Var]) -> Var:
    """Concatenate the channels of images with the same rows."""
    return mb.concat(values=images, axis=1)


class MilLayers:
    """Layers of one numeric precision, with layer norm in one of two forms.

    "op" leaves layer norm to Core ML; "decomposed" spells it out, for a Neural Engine that does not
    support the operation over the channel axis.
    """

    def __init__(self, precision: manifest.Precision, layer_norm: manifest.LayerNorm) -> None:
        self._precision = precision
        self._dtype = np.float16 if precision == "fp16" else np.float32
        self._layer_norm = layer_norm

    def entered(self, x: Var) -> Var:
        """Convert a float32 input of the program to the layers' precision."""
        return mb.cast(x=x, dtype="fp16") if self._precision == "fp16" else x

    def output(self, name: str, x: Var) -> Var:
        """Convert an output of the program to float32, under its name."""
        if self._precision == "fp16":
            return mb.cast(x=x, dtype="fp32", name=name)
        return mb.identity(x=x, name=name)

    def column(self, values: F32) -> npt.NDArray[Any]:
        """Broadcast ``f32[channels]`` to an image that is the same in every column."""
        return self.constant(values[None, :, None, None])

    def constant(self, values: F32) -> npt.NDArray[Any]:
        """Convert `values` to the layers' precision."""
        return values.astype(self._dtype)

    def scalar(self, value: float) -> Any:
        """Convert `value` to the layers' precision."""
        return self._dtype(value)

    def linear(self, x: Var, layer: Linear) -> Var:
        """Apply `layer` as a convolution over the last axis, zero-padded on the left."""
        taps = layer.weight.shape[2]
        return mb.conv(
            x=x,
            weight=layer.weight[:, :, None, :].astype(self._dtype),
            bias=layer.bias.astype(self._dtype),
            dilations=[1, layer.dilation],
            pad_type="custom",
            pad=[0, 0, (taps - 1) * layer.dilation, 0],
            name=layer.name,
        )

    def window(self, x: Var, layer: Linear) -> Var:
        """Apply `layer`, with a tap for every bar, to whole windows: ``(1, channels, n, 1)``."""
        return mb.conv(
            x=x,
            weight=layer.weight[:, :, None, :].astype(self._dtype),
            bias=layer.bias.astype(self._dtype),
            pad_type="custom",
            pad=[0, 0, 0, 0],
            name=layer.name,
        )

    def norm(self, x: Var, layer: LayerNorm) -> Var:
        """Apply layer norm over the channels of every column."""
        if self._layer_norm == "op":
            return mb.layer_norm(
                x=x,
                axes=[1],
                gamma=layer.scale.astype(self._dtype),
                beta=layer.shift.astype(self._dtype),
                epsilon=self._dtype(NORM_EPSILON),
                name=layer.name,
            )
        centered = mb.sub(x=x, y=mb.reduce_mean(x=x, axes=[1], keep_dims=True))
        scaled = mb.mul(x=centered, y=self._dtype(SQUARE_SCALE))
        variance = mb.reduce_mean(x=mb.mul(x=scaled, y=scaled), axes=[1], keep_dims=True)
        inverse = mb.rsqrt(x=variance, epsilon=self._dtype(NORM_EPSILON * SQUARE_SCALE**2))
        normal = mb.mul(x=mb.mul(x=scaled, y=inverse), y=self.column(layer.scale))
        return mb.add(x=normal, y=self.column(layer.shift), name=layer.name)

    def observation_norm(self, x: Var, layer: ObservationNorm) -> Var:
        """Normalize observations."""
        centered = mb.sub(x=x, y=self.column(layer.mean))
        return mb.mul(x=centered, y=self.column(layer.scale))

    def tower(self, x: Var, blocks: Tower) -> Var:
        """Apply residual blocks."""
        for block in blocks:
            h = mb.relu(x=self.norm(self.linear(x, block.linear_1), block.norm_1))
            h = self.norm(self.linear(h, block.linear_2), block.norm_2)
            x = mb.relu(x=mb.add(x=x, y=h))
        return x

    def head(self, x: Var, head: tuple[Tower, Linear]) -> Var:
        """Apply a tower and the logits after it."""
        blocks, logits = head
        return self.linear(self.tower(x, blocks), logits)

    def every_condition(self, x: Var, layer: Linear, conditions: int) -> Var:
        """Apply `layer` to `x` joined with each of its last one-hot conditions, one by one.

        The columns of a condition are adjacent. Each condition adds one column of the weights;
        everything else is shared.
        """
        weight = layer.weight
        base = self.linear(x, replace(layer, weight=weight[:, :-conditions]))
        joint = [
            mb.add(x=base, y=self.column(weight[:, c - conditions, 0])) for c in range(conditions)
        ]
        return mb.concat(values=joint, axis=3)

    def conditioned(self, body: Conditioned, *inputs: Var) -> Var:
        """Map a latent and one-hot conditions to a tower's output."""
        return self.tower(self.linear(joined(list(inputs)), body.projection), body.tower)
