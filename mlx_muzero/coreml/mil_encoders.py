"""The window encoders in MIL, on images of sequences ``(1, channels, n, W)``."""

from mlx_muzero.coreml.mil_layers import MilLayers, Var, joined
from mlx_muzero.coreml.toolkit import mb
from mlx_muzero.exports.encoders import (
    EncoderLayers,
    PreActivationBlock,
    Residual,
    Temporal,
    TemporalBlock,
    Transformer,
    TransformerLayer,
)


def encoded(layers: MilLayers, x: Var, encoder: EncoderLayers) -> Var:
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
            return mb.relu(x=layers.norm(x, encoder.norm))
        case Transformer():
            x = layers.linear(x, encoder.input)
            x = mb.add(x=x, y=layers.constant(encoder.positions.T[None, :, None, :]))
            for layer in encoder.layers:
                x = _transformer_layer(layers, x, layer, encoder.heads)
            return layers.norm(x, encoder.norm)


def _temporal_block(layers: MilLayers, x: Var, block: TemporalBlock) -> Var:
    h = mb.relu(x=layers.linear(x, block.conv_1))
    h = mb.relu(x=layers.linear(h, block.conv_2))
    residual = x if block.residual is None else layers.linear(x, block.residual)
    return mb.relu(x=mb.add(x=h, y=residual))


def _pre_activation_block(layers: MilLayers, x: Var, block: PreActivationBlock) -> Var:
    h = layers.linear(mb.relu(x=layers.norm(x, block.norm_1)), block.conv_1)
    h = layers.linear(mb.relu(x=layers.norm(h, block.norm_2)), block.conv_2)
    return mb.add(x=x, y=h)


def _transformer_layer(layers: MilLayers, x: Var, layer: TransformerLayer, heads: int) -> Var:
    x = mb.add(x=x, y=_attention(layers, layers.norm(x, layer.norm_1), layer, heads))
    h = mb.relu(x=layers.linear(layers.norm(x, layer.norm_2), layer.linear_1))
    return mb.add(x=x, y=layers.linear(h, layer.linear_2))


def _attention(layers: MilLayers, x: Var, layer: TransformerLayer, heads: int) -> Var:
    """Attend head by head, since rank 4 leaves no axis for heads; the rows are its batch."""
    projections = [layers.linear(x, part) for part in (layer.query, layer.key, layer.value)]
    channels = len(layer.query.bias) // heads
    mixed = []
    for head in range(heads):
        query, key, value = (_channels(p, head * channels, channels) for p in projections)
        # (1, n, W, channels) by (1, n, channels, W): each row's window with itself.
        query = mb.mul(x=query, y=layers.scalar(channels**-0.5))
        scores = mb.matmul(
            x=mb.transpose(x=query, perm=[0, 2, 3, 1]), y=mb.transpose(x=key, perm=[0, 2, 1, 3])
        )
        weights = mb.softmax(x=scores, axis=3)
        mixture = mb.matmul(x=weights, y=mb.transpose(x=value, perm=[0, 2, 3, 1]))
        mixed.append(mb.transpose(x=mixture, perm=[0, 3, 1, 2]))
    return layers.linear(joined(mixed), layer.output)


def _channels(x: Var, first: int, count: int) -> Var:
    return mb.slice_by_index(
        x=x,
        begin=[0, first, 0, 0],
        end=[0, first + count, 0, 0],
        begin_mask=[True, False, True, True],
        end_mask=[True, False, True, True],
    )
