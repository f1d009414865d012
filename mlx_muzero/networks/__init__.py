"""The six networks of Stochastic MuZero and the model that combines them, in MLX."""

from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.networks.support import Support

__all__ = ["StochasticMuZero", "Support"]
