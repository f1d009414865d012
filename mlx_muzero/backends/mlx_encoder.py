"""The representation network in MLX: every other backend's way from observations to latents."""

import mlx.core as mx

from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.types import F32


class MlxEncoder:
    """Encodes observations with the MLX model itself."""

    def __init__(self, model: StochasticMuZero) -> None:
        self._model = model

    def refresh(self) -> None:
        """Nothing to do: the model itself encodes."""

    def __call__(self, observation: F32) -> mx.array:
        """Observation [n, W, F] -> latent [n, D]."""
        self._model.eval()
        return self._model.representation(mx.array(observation))
