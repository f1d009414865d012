"""Layers as operations, on images ``(1, channels, height, width)``."""

from dataclasses import replace

from mlx_muzero.exports import manifest
from mlx_muzero.exports.graphs.operations import Operations, Var
from mlx_muzero.exports.layers import LayerNorm, Linear, ObservationNorm
from mlx_muzero.exports.networks import Conditioned, Tower
from mlx_muzero.networks.folding import NORM_EPSILON
from mlx_muzero.types import F32

SQUARE_SCALE = 0.125
"""Factor applied to deviations before squaring: 256 and above would overflow float16."""


class Layers:
    """Layers of any format, with layer norm in one of two forms.

    "op" leaves layer norm to the format; "decomposed" spells it out, for a Neural Engine that does
    not support the operation over the channel axis.

    Attributes:
        ops: the format's operations.
    """

    def __init__(self, ops: Operations, layer_norm: manifest.LayerNorm) -> None:
        self.ops = ops
        self._layer_norm = layer_norm

    def joined(self, *images: Var) -> Var:
        """Concatenate the channels of images with the same rows."""
        return self.ops.concat(list(images), axis=1)

    def linear(self, x: Var, layer: Linear) -> Var:
        """Apply `layer` as a convolution over the last axis, zero-padded on the left."""
        taps = layer.weight.shape[2]
        return self.ops.conv(
            x,
            layer.weight,
            layer.bias,
            dilation=layer.dilation,
            before=(taps - 1) * layer.dilation,
            name=layer.name,
        )

    def window(self, x: Var, layer: Linear) -> Var:
        """Apply `layer`, with a tap for every bar, to whole windows: ``(1, channels, n, 1)``."""
        return self.ops.conv(x, layer.weight, layer.bias, name=layer.name)

    def norm(self, x: Var, layer: LayerNorm) -> Var:
        """Apply layer norm over the channels of every column."""
        if self._layer_norm == "op":
            return self.ops.layer_norm(x, layer)
        scale, shift = map(self._column, (layer.scale, layer.shift))
        return decomposed_norm(self.ops, x, scale, shift, layer.name)

    def observation_norm(self, x: Var, layer: ObservationNorm) -> Var:
        """Normalize observations."""
        ops = self.ops
        return ops.mul(ops.sub(x, self._column(layer.mean)), self._column(layer.scale))

    def tower(self, x: Var, blocks: Tower) -> Var:
        """Apply residual blocks."""
        for block in blocks:
            h = self.ops.relu(self.norm(self.linear(x, block.linear_1), block.norm_1))
            h = self.norm(self.linear(h, block.linear_2), block.norm_2)
            x = self.ops.relu(self.ops.add(x, h))
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
            self.ops.add(base, self._column(weight[:, c - conditions, 0]))
            for c in range(conditions)
        ]
        return self.ops.concat(joint, axis=3)

    def conditioned(self, body: Conditioned, *inputs: Var) -> Var:
        """Map a latent and one-hot conditions to a tower's output."""
        return self.tower(self.linear(self.joined(*inputs), body.projection), body.tower)

    def _column(self, values: F32) -> Var:
        """Broadcast ``f32[channels]`` to an image that is the same in every column."""
        return self.ops.constant(values[None, :, None, None])


def decomposed_norm(ops: Operations, x: Var, scale: Var, shift: Var, name: str) -> Var:
    """Layer norm over the channels in simpler operations; `scale` and `shift` are columns."""
    centered = ops.sub(x, ops.reduce_mean(x, axis=1))
    scaled = ops.mul(centered, ops.scalar(SQUARE_SCALE))
    variance = ops.reduce_mean(ops.mul(scaled, scaled), axis=1)
    inverse = ops.rsqrt(variance, NORM_EPSILON * SQUARE_SCALE**2)
    return ops.add(ops.mul(ops.mul(scaled, inverse), scale), shift, name)
