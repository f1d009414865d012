"""The computations of a factored model's two programs."""

from dataclasses import replace

from mlx_muzero.exports.graphs.layers import Layers
from mlx_muzero.exports.graphs.operations import Var
from mlx_muzero.exports.interface import ExportSizes
from mlx_muzero.exports.layers import Linear
from mlx_muzero.exports.market_networks import Head, MarketNetworks
from mlx_muzero.types import F32


class MarketPrograms:
    """Outputs by name; see `mlx_muzero.exports.interface`."""

    def __init__(self, networks: MarketNetworks, sizes: ExportSizes, layers: Layers) -> None:
        self._networks = networks
        self._sizes = sizes
        self._layers = layers

    def root(self, observation: Var, known: Var | None = None) -> dict[str, Var]:
        """Compute the state that a window shows: (1, F, n, W)."""
        layers, window = self._layers, self._networks.window
        normal = layers.observation_norm(observation, window.observation_norm)
        h = layers.ops.transpose(layers.window(normal, window.first), (0, 1, 3, 2))
        latent = layers.ops.relu(layers.linear(layers.ops.relu(h), window.second))
        return {"latent": latent, **self._seen(latent, known)}

    def step(self, latent: Var, known: Var | None = None) -> dict[str, Var]:
        """Compute the states after every outcome, in all of which `known` is the same."""
        layers, (first, second) = self._layers, self._networks.dynamics
        h = layers.ops.relu(layers.every_condition(latent, first, self._sizes.outcomes))
        following = layers.ops.relu(layers.linear(h, second))
        if known is not None:
            known = layers.ops.concat([known] * self._sizes.outcomes, axis=3)
        return {"next_latent": following, **self._seen(following, known)}

    def _seen(self, latent: Var, known: Var | None) -> dict[str, Var]:
        networks = self._networks
        return {
            "outcome_logits": self._head(latent, networks.outcome),
            "move": self._head(latent, networks.move),
            **self._worth(latent, known),
        }

    def _worth(self, latent: Var, known: Var | None) -> dict[str, Var]:
        layers, head = self._layers, self._networks.worth
        if known is None or head.meeting is None:
            return {"worth": self._head(latent, head)}
        told = layers.linear(layers.joined(latent, known), head.meeting)
        usual = layers.linear(latent, _under(head.meeting, self._sizes.known.usual_row()[0]))
        return {
            "worth": self._head(layers.ops.relu(told), head),
            "usual_worth": self._head(layers.ops.relu(usual), head),
        }

    def _head(self, latent: Var, head: Head) -> Var:
        hidden = self._layers.ops.relu(self._layers.linear(latent, head.hidden))
        return self._layers.linear(hidden, head.output)


def _under(meeting: Linear, known: F32) -> Linear:
    """A layer of a latent and known inputs as one of the latent alone, where they are `known`."""
    width = meeting.weight.shape[1] - len(known)
    bias = meeting.bias + meeting.weight[:, width:, 0] @ known
    return replace(meeting, weight=meeting.weight[:, :width], bias=bias)
