"""The `native` backend: leaves evaluated in C++ over weights copied from the MLX model."""

from typing import Any, Protocol

import mlx.core as mx
from mlx.utils import tree_flatten

from mlx_muzero import _core
from mlx_muzero.backends.native_parameters import floats, load_parameters
from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.search.evaluator import Expansion, Leaves, SingleExpansion, SingleLeaves
from mlx_muzero.types import F32, I32

_NETWORKS = tuple(
    f"{name}_network." for name in ("outcome", "dynamics", "policy", "value", "afterstate")
)


class _Support(Protocol):
    @property
    def centers(self) -> mx.array: ...


class RecurrentModule(Protocol):
    """What is copied from a model: its sizes, and its weights by name."""

    config: ModelConfig
    actions: int
    outcomes: int

    @property
    def support(self) -> _Support:
        """The values that the value network's bins stand for."""
        ...

    def parameters(self) -> dict[str, Any]:
        """Weights as a tree, the recurrent networks under ``<name>_network``."""
        ...


class NativeEvaluator:
    """Evaluates leaves in C++ (cpp/networks), in float32 and without dropout.

    `Search.run` hands the whole search to C++ and needs no `expand`. The weights are those of the
    model at the last `refresh`. A leaf's numbers do not depend on the leaves beside it, bit for
    bit, except where Accelerate does the products (macOS).
    """

    def __init__(self, model: RecurrentModule, kernels: str | None = None) -> None:
        """Copies the model's weights.

        Args:
            model: the networks.
            kernels: one of `_core.kernels()`, those this machine can run; the first is the default,
                and the fastest.

        Raises:
            SearchError: the model has other networks than `StochasticMuZero`; names the parameter.
        """
        config = model.config
        self._model = model
        self.core = _core.NetworkEvaluator(
            width=config.latent_width,
            actions=model.actions,
            outcomes=model.outcomes,
            bins=config.value_bins,
            outcome_blocks=config.outcome_blocks,
            dynamics_blocks=config.dynamics_blocks,
            policy_blocks=config.policy_blocks,
            value_blocks=config.value_blocks,
            afterstate_blocks=config.afterstate_blocks,
            kernels=kernels or _core.kernels()[0],
        )
        self.refresh()

    def refresh(self) -> None:
        """Copies the model's weights again, after they changed.

        Raises:
            SearchError: a parameter is missing, unknown or has another shape.
        """
        arrays = {
            name: floats(array)
            for name, array in dict(tree_flatten(self._model.parameters())).items()
            if name.startswith(_NETWORKS)
        }
        arrays["support.centers"] = floats(self._model.support.centers)
        load_parameters(self.core, arrays)

    def close(self) -> None:
        """Nothing to do: all of it is in this process."""

    def predict(self, latents: mx.array) -> tuple[F32, F32]:
        """Policy [n, A] and value [n] of latents [n, D]."""
        prior, value = self.core.predict(floats(latents))
        return prior, value

    def reset(self, root_latents: mx.array, root_slots: I32, capacity: int) -> None:
        """Starts a search (see `Evaluator.reset`)."""
        self.core.reset(floats(root_latents), root_slots, capacity)

    def expand(self, leaves: Leaves) -> Expansion:
        """Outcome probabilities of every leaf and all its successors (see `Evaluator.expand`)."""
        return Expansion(*self.core.expand_all(leaves.parent, leaves.action, leaves.slot))

    def expand_single(self, leaves: SingleLeaves) -> SingleExpansion:
        """Single chance and decision nodes (see `Evaluator.expand_single`)."""
        return SingleExpansion(
            *self.core.expand_single(
                leaves.chance_parent,
                leaves.chance_action,
                leaves.parent,
                leaves.action,
                leaves.outcome,
                leaves.slot,
            )
        )
