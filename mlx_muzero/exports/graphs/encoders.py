"""The window encoders as operations, on images of sequences ``(1, channels, n, W)``."""

from mlx_muzero.exports.encoders import (
    EncoderLayers,
    PreActivationBlock,
    Residual,
    Temporal,
    TemporalBlock,
    Transformer,
    TransformerLayer,
)
from mlx_muzero.exports.graphs.layers import Layers
from mlx_muzero.exports.graphs.operations import Var


def encoded(layers: Layers, x: Var, encoder: EncoderLayers) -> Var:
    """Map (1, F, n, W) to (1, channels, n, W)."""
    match encoder:
        case Temporal():
            for block in encoder.blocks:
                x = _temporal_block(layers, x, block)
            return layers.linear(x, encoder.output)
        case Residual():
            x = layers.linear(x, encoder.input)
            for pre_activation in encoder.blocks:
                x = _pre_activation_block(layers, x, pre_activation)
            return layers.ops.relu(layers.norm(x, encoder.norm))
        case Transformer():
            x = layers.linear(x, encoder.input)
            x = layers.ops.add(x, layers.ops.constant(encoder.positions.T[None, :, None, :]))
            for layer in encoder.layers:
                x = _transformer_layer(layers, x, layer, encoder.heads)
            return layers.norm(x, encoder.norm)


def _temporal_block(layers: Layers, x: Var, block: TemporalBlock) -> Var:
    h = layers.ops.relu(layers.linear(x, block.conv_1))
    h = layers.ops.relu(layers.linear(h, block.conv_2))
    residual = x if block.residual is None else layers.linear(x, block.residual)
    return layers.ops.relu(layers.ops.add(h, residual))


def _pre_activation_block(layers: Layers, x: Var, block: PreActivationBlock) -> Var:
    h = layers.linear(layers.ops.relu(layers.norm(x, block.norm_1)), block.conv_1)
    h = layers.linear(layers.ops.relu(layers.norm(h, block.norm_2)), block.conv_2)
    return layers.ops.add(x, h)


def _transformer_layer(layers: Layers, x: Var, layer: TransformerLayer, heads: int) -> Var:
    x = layers.ops.add(x, _attention(layers, layers.norm(x, layer.norm_1), layer, heads))
    h = layers.ops.relu(layers.linear(layers.norm(x, layer.norm_2), layer.linear_1))
    return layers.ops.add(x, layers.linear(h, layer.linear_2))


def _attention(layers: Layers, x: Var, layer: TransformerLayer, heads: int) -> Var:
    """Attend head by head, since rank 4 leaves no axis for heads; the rows are its batch."""
    ops = layers.ops
    projections = [layers.linear(x, part) for part in (layer.query, layer.key, layer.value)]
    channels = len(layer.query.bias) // heads
    mixed = []
    for first in range(0, heads * channels, channels):
        query, key, value = (ops.part(p, 1, first, first + channels) for p in projections)
        # (1, n, W, channels) by (1, n, channels, W): each row's window with itself.
        query = ops.mul(query, ops.scalar(channels**-0.5))
        scores = ops.matmul(ops.transpose(query, (0, 2, 3, 1)), ops.transpose(key, (0, 2, 1, 3)))
        weights = ops.softmax(scores, axis=3)
        mixture = ops.matmul(weights, ops.transpose(value, (0, 2, 3, 1)))
        mixed.append(ops.transpose(mixture, (0, 3, 1, 2)))
    return layers.linear(layers.joined(*mixed), layer.output)
