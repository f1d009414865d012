"""Next-bar decoder: an auxiliary head that grounds the latent state in the market."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.networks.layers import ResidualTower, zero_linear


class NextBarDecoder(nn.Module):
    """Predicts the change of the market columns from a state's last bar to the next.

    Used only in the phases before the search, never by the search. It is initialized to zero, which
    is the last-value predictor, so any gain over that has been learned.
    """

    def __init__(self, config: ModelConfig, columns: int) -> None:
        super().__init__()
        self.tower = ResidualTower(config.latent_width, config.outcome_blocks, config.dropout)
        self.change = zero_linear(config.latent_width, columns)

    def __call__(self, latent: mx.array) -> mx.array:
        """Latent ``f32[n, D]`` -> change of the market columns ``f32[n, M]``."""
        return self.change(self.tower(latent))
