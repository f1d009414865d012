"""The recurrent networks of `mlx_muzero/networks` over another library's arrays."""

from collections.abc import Mapping
from typing import Any, Protocol

Array = Any
"""The library's array."""


class Operations(Protocol):
    """What the networks need of a library; rows are [n, ...] float32."""

    def linear(self, x: Array, weight: Array, bias: Array) -> Array:
        """Rows x [n, in], weight [out, in], bias [out] -> [n, out]."""
        ...

    def layer_norm(self, x: Array, weight: Array, bias: Array) -> Array:
        """Over the last axis, epsilon 1e-5."""
        ...

    def relu(self, x: Array) -> Array:
        """The positive part."""
        ...

    def softmax(self, x: Array) -> Array:
        """Over the last axis."""
        ...

    def one_hot(self, index: Array, size: int) -> Array:
        """[n] integers -> [n, size]; a row of zeros for an index outside of it."""
        ...

    def join(self, arrays: list[Array]) -> Array:
        """Side by side along the last axis."""
        ...


class Network:
    """The networks a search evaluates.

    Args:
        weights: by the names that `StochasticMuZero.parameters` gives them.
        operations: of the library whose arrays they are.
    """

    def __init__(self, weights: Mapping[str, Array], operations: Operations) -> None:
        self._weights, self._do = weights, operations
        self.actions = weights["policy_network.logits.weight"].shape[0]
        self.outcomes = weights["outcome_network.logits.weight"].shape[0]

    def afterstate(self, latent: Array, action: Array) -> Array:
        """Latent [n, D], action [n] -> afterstate [n, D]."""
        body = self._conditioned("afterstate_network.body", latent, self._action(action))
        return self._norm("afterstate_network.norm", body)

    def outcome_logits(self, latent: Array, action: Array) -> Array:
        """Latent [n, D], action [n] -> [n, C]."""
        body = self._conditioned("outcome_network.body", latent, self._action(action))
        return self._linear("outcome_network.logits", body)

    def dynamics(self, latent: Array, action: Array, outcome: Array) -> tuple[Array, Array]:
        """Latent [n, D], action [n], outcome [n] -> next latent [n, D], reward [n, 1]."""
        happened = self._do.one_hot(outcome, self.outcomes)
        body = self._conditioned("dynamics_network.body", latent, self._action(action), happened)
        successor = self._norm(
            "dynamics_network.next_latent_norm",
            self._linear("dynamics_network.next_latent", body),
        )
        return successor, self._linear("dynamics_network.reward", body)

    def policy_logits(self, latent: Array) -> Array:
        """Latent [n, D] -> [n, A]."""
        return self._linear("policy_network.logits", self._tower("policy_network.tower", latent))

    def value(self, latent: Array) -> Array:
        """Latent or afterstate [n, D] -> [n]."""
        logits = self._linear("value_network.logits", self._tower("value_network.tower", latent))
        return self._do.softmax(logits) @ self._weights["support.centers"]

    def _action(self, action: Array) -> Array:
        return self._do.one_hot(action, self.actions)

    def _conditioned(self, name: str, latent: Array, *conditions: Array) -> Array:
        joined = self._do.join([latent, *conditions])
        return self._tower(f"{name}.tower", self._linear(f"{name}.projection", joined))

    def _tower(self, name: str, x: Array) -> Array:
        blocks = 0
        while f"{name}.blocks.{blocks}.linear_1.weight" in self._weights:
            block = f"{name}.blocks.{blocks}"
            h = self._linear(f"{block}.linear_1", x)
            h = self._do.relu(self._norm(f"{block}.norm_1", h))
            h = self._norm(f"{block}.norm_2", self._linear(f"{block}.linear_2", h))
            x = self._do.relu(x + h)
            blocks += 1
        return x

    def _linear(self, name: str, x: Array) -> Array:
        return self._do.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, name: str, x: Array) -> Array:
        return self._do.layer_norm(
            x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        )
