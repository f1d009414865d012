"""Builds the encoder of a window of bars."""

import mlx.nn as nn

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.networks.resnet import ResidualEncoder
from mlx_muzero.networks.tcn import TemporalEncoder
from mlx_muzero.networks.transformer import TransformerEncoder


def build_encoder(config: ModelConfig, features: int, window_bars: int) -> nn.Module:
    """The encoder named by `model.encoder`: ``f32[n, W, F]`` -> ``f32[n, W, channels]``."""
    channels, dropout = config.encoder_channels, config.dropout
    match config.encoder:
        case "tcn":
            return TemporalEncoder(features, channels, config.tcn_kernel, dropout)
        case "resnet":
            kernel, blocks = config.resnet_kernel, config.resnet_blocks
            return ResidualEncoder(features, channels, kernel, blocks, dropout)
        case "transformer":
            heads, layers = config.transformer_heads, config.transformer_layers
            return TransformerEncoder(features, window_bars, channels, heads, layers, dropout)
