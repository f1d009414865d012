"""The computations of a factored model's two programs."""

from mlx_muzero.exports.graphs.layers import Layers
from mlx_muzero.exports.graphs.operations import Var
from mlx_muzero.exports.interface import ExportSizes
from mlx_muzero.exports.market_networks import Head, MarketNetworks


class MarketPrograms:
    """Outputs by name; see `mlx_muzero.exports.interface`."""

    def __init__(self, networks: MarketNetworks, sizes: ExportSizes, layers: Layers) -> None:
        self._networks = networks
        self._sizes = sizes
        self._layers = layers

    def root(self, observation: Var) -> dict[str, Var]:
        """Compute the state that a window shows: (1, F, n, W)."""
        layers, window = self._layers, self._networks.window
        normal = layers.observation_norm(observation, window.observation_norm)
        h = layers.ops.transpose(layers.window(normal, window.first), (0, 1, 3, 2))
        latent = layers.ops.relu(layers.linear(layers.ops.relu(h), window.second))
        return {"latent": latent, **self._seen(latent)}

    def step(self, latent: Var) -> dict[str, Var]:
        """Compute the states after every outcome."""
        layers, (first, second) = self._layers, self._networks.dynamics
        h = layers.ops.relu(layers.every_condition(latent, first, self._sizes.outcomes))
        following = layers.ops.relu(layers.linear(h, second))
        return {"next_latent": following, **self._seen(following)}

    def _seen(self, latent: Var) -> dict[str, Var]:
        networks = self._networks
        return {
            "outcome_logits": self._head(latent, networks.outcome),
            "move": self._head(latent, networks.move),
            "worth": self._head(latent, networks.worth),
        }

    def _head(self, latent: Var, head: Head) -> Var:
        hidden = self._layers.ops.relu(self._layers.linear(latent, head.hidden))
        return self._layers.linear(hidden, head.output)
