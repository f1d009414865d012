"""The window encoders as layers, read from weights by name (mirrors `mlx_muzero.networks`)."""

from dataclasses import dataclass

from mlx_muzero.exports.interface import ExportSizes
from mlx_muzero.exports.layers import LayerNorm, Linear, Reader
from mlx_muzero.networks.resnet import dilation
from mlx_muzero.networks.tcn import DILATIONS
from mlx_muzero.networks.transformer import MLP_EXPANSION
from mlx_muzero.types import F32


@dataclass(frozen=True)
class TemporalBlock:
    """Two causal convolutions with ReLU, and a residual, through `residual` if present."""

    conv_1: Linear
    conv_2: Linear
    residual: Linear | None


@dataclass(frozen=True)
class Temporal:
    """Temporal blocks and a linear layer."""

    blocks: tuple[TemporalBlock, ...]
    output: Linear


@dataclass(frozen=True)
class PreActivationBlock:
    """Layer norm, ReLU and a causal convolution, twice, added to the input."""

    norm_1: LayerNorm
    conv_1: Linear
    norm_2: LayerNorm
    conv_2: Linear


@dataclass(frozen=True)
class Residual:
    """A linear layer, blocks, layer norm and ReLU."""

    input: Linear
    blocks: tuple[PreActivationBlock, ...]
    norm: LayerNorm


@dataclass(frozen=True)
class TransformerLayer:
    """Layer norm and attention, then layer norm and two linear layers, each with a residual."""

    norm_1: LayerNorm
    query: Linear
    key: Linear
    value: Linear
    output: Linear
    norm_2: LayerNorm
    linear_1: Linear
    linear_2: Linear


@dataclass(frozen=True, eq=False)
class Transformer:
    """A linear layer, `positions` ``f32[W, width]``, layers with `heads` heads, layer norm."""

    input: Linear
    positions: F32
    layers: tuple[TransformerLayer, ...]
    norm: LayerNorm
    heads: int


EncoderLayers = Temporal | Residual | Transformer


def read_encoder(reader: Reader, name: str, sizes: ExportSizes) -> EncoderLayers:
    """Read the encoder named by ``sizes.model.encoder``; parameter names start with `name`."""
    match sizes.model.encoder:
        case "tcn":
            return _temporal(reader, name, sizes)
        case "resnet":
            return _residual(reader, name, sizes)
        case "transformer":
            return _transformer(reader, name, sizes)


def _temporal(reader: Reader, encoder: str, sizes: ExportSizes) -> Temporal:
    channels, taps = sizes.model.tcn_channels, sizes.model.tcn_kernel
    blocks = []
    for i, spread in enumerate(DILATIONS):
        name = f"{encoder}.blocks.{i}"
        inputs = channels if i else sizes.features
        conv_1, conv_2 = (
            reader.causal_batch_norm(
                f"{name}.conv_{j}.taps", f"{name}.norm_{j}", size, channels, taps, spread
            )
            for j, size in ((1, inputs), (2, channels))
        )
        same = inputs == channels
        residual = None if same else reader.linear(f"{name}.residual", inputs, channels)
        blocks.append(TemporalBlock(conv_1, conv_2, residual))
    output = reader.linear_batch_norm(f"{encoder}.output", f"{encoder}.norm", channels, channels)
    return Temporal(tuple(blocks), output)


def _residual(reader: Reader, encoder: str, sizes: ExportSizes) -> Residual:
    channels, taps = sizes.model.resnet_channels, sizes.model.resnet_kernel

    def block(i: int) -> PreActivationBlock:
        name, spread = f"{encoder}.blocks.{i}", dilation(i)
        return PreActivationBlock(
            reader.layer_norm(f"{name}.norm_1", channels),
            reader.causal(f"{name}.conv_1.taps", channels, channels, taps, spread),
            reader.layer_norm(f"{name}.norm_2", channels),
            reader.causal(f"{name}.conv_2.taps", channels, channels, taps, spread),
        )

    return Residual(
        reader.linear(f"{encoder}.input", sizes.features, channels),
        tuple(block(i) for i in range(sizes.model.resnet_blocks)),
        reader.layer_norm(f"{encoder}.norm", channels),
    )


def _transformer(reader: Reader, encoder: str, sizes: ExportSizes) -> Transformer:
    width = sizes.model.transformer_width
    hidden = MLP_EXPANSION * width

    def layer(i: int) -> TransformerLayer:
        name = f"{encoder}.layers.{i}"
        query, key, value, output = (
            reader.linear(f"{name}.attention.{part}", width, width)
            for part in ("query", "key", "value", "output")
        )
        return TransformerLayer(
            norm_1=reader.layer_norm(f"{name}.norm_1", width),
            query=query,
            key=key,
            value=value,
            output=output,
            norm_2=reader.layer_norm(f"{name}.norm_2", width),
            linear_1=reader.linear(f"{name}.linear_1", width, hidden),
            linear_2=reader.linear(f"{name}.linear_2", hidden, width),
        )

    return Transformer(
        input=reader.linear(f"{encoder}.input", sizes.features, width),
        positions=reader.array(f"{encoder}.positions", sizes.window_bars, width),
        layers=tuple(layer(i) for i in range(sizes.model.transformer_layers)),
        norm=reader.layer_norm(f"{encoder}.norm", width),
        heads=sizes.model.transformer_heads,
    )
