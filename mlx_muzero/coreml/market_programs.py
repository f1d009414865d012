"""The computations of a factored model's two programs, in MIL."""

from mlx_muzero.coreml.mil_layers import MilLayers, Var
from mlx_muzero.coreml.toolkit import mb
from mlx_muzero.exports.interface import ExportSizes
from mlx_muzero.exports.market_networks import Head, MarketNetworks


class MarketPrograms:
    """Outputs by name; see `mlx_muzero.exports.interface`."""

    def __init__(self, networks: MarketNetworks, sizes: ExportSizes, layers: MilLayers) -> None:
        self._networks = networks
        self._sizes = sizes
        self._layers = layers

    def root(self, observation: Var) -> dict[str, Var]:
        """Compute the state that a window shows: (1, F, n, W)."""
        layers, window = self._layers, self._networks.window
        normal = layers.observation_norm(observation, window.observation_norm)
        h = mb.transpose(x=layers.window(normal, window.first), perm=[0, 1, 3, 2])
        latent = mb.relu(x=layers.linear(mb.relu(x=h), window.second))
        return {"latent": latent, **self._seen(latent)}

    def step(self, latent: Var) -> dict[str, Var]:
        """Compute the states after every outcome."""
        layers, (first, second) = self._layers, self._networks.dynamics
        h = mb.relu(x=layers.every_condition(latent, first, self._sizes.outcomes))
        following = mb.relu(x=layers.linear(h, second))
        return {"next_latent": following, **self._seen(following)}

    def _seen(self, latent: Var) -> dict[str, Var]:
        networks = self._networks
        return {
            "outcome_logits": self._head(latent, networks.outcome),
            "move": self._head(latent, networks.move),
            "worth": self._head(latent, networks.worth),
        }

    def _head(self, latent: Var, head: Head) -> Var:
        hidden = mb.relu(x=self._layers.linear(latent, head.hidden))
        return self._layers.linear(hidden, head.output)
