"""What the next bar will look like: a head that keeps the latent state about the market."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.networks.layers import ResidualTower, zero_linear


class NextBarDecoder(nn.Module):
    """The expected change of the market's columns from a state's last bar to the next one.

    Only the phases before the search train it; no search asks for it. It begins at zero, which is
    the last-value predictor: what it gains over that, it has learned.
    """

    def __init__(self, config: ModelConfig, columns: int) -> None:
        super().__init__()
        self.tower = ResidualTower(config.latent_width, config.outcome_blocks, config.dropout)
        self.change = zero_linear(config.latent_width, columns)

    def __call__(self, latent: mx.array) -> mx.array:
        """Latent [n, D] -> change of the market columns [n, M]."""
        return self.change(self.tower(latent))
