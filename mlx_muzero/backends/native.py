"""The `native` backend: encoder and evaluator in C++, with weights copied from the MLX model."""

from typing import Any, Protocol, get_args

import mlx.core as mx
from mlx.utils import tree_flatten

from mlx_muzero import _core
from mlx_muzero.backends.backend import BackendFactory, Encoder
from mlx_muzero.backends.mlx import MlxEncoder
from mlx_muzero.backends.native_market import NativeMarket
from mlx_muzero.backends.native_parameters import floats, load_parameters
from mlx_muzero.config.choices import Precision
from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.errors import SearchError
from mlx_muzero.kernel_choice import kernels_here
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.folding import fold_batch_norm
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search.evaluator import Expansion, Leaves, SingleExpansion, SingleLeaves
from mlx_muzero.types import F32, I32

_REPRESENTATION = "representation_network."
_RECURRENT = tuple(
    f"{name}_network." for name in ("outcome", "dynamics", "policy", "value", "afterstate")
)
_NORM = f"{_REPRESENTATION}observation_norm"
_NORMED = (("conv_1.taps", "norm_1"), ("conv_2.taps", "norm_2"), ("output", "norm"))
"""Name suffixes of linear layers and of the batch norms that follow them."""
_STATISTICS = ("weight", "bias", "running_mean", "running_var")


class NativeEncoder:
    """Encodes observations in C++ (cpp/networks/representation), without dropout.

    Uses the model's weights as of the last `refresh`. A latent is independent of the other windows
    in the batch, bit for bit, except where Accelerate does the products (macOS), and always
    independent of the number of threads.
    """

    def __init__(
        self,
        model: StochasticMuZero,
        threads: int,
        kernels: str | None = None,
        precision: Precision = "float32",
    ) -> None:
        """Copy the model's weights.

        Args:
            model: the networks.
            threads: threads that share the windows.
            kernels: one of `_core.kernels()`; by default `kernels_here` in that precision.
            precision: number format of the large products.

        Raises:
            SearchError: the encoder or a parameter is not supported; the message names it.
        """
        config = model.config
        if config.encoder != "tcn":
            raise SearchError(
                f'model.encoder: "{config.encoder}" has no C++ encoder, only "tcn" has; encode '
                "with MlxEncoder"
            )
        self._model = model
        self._core = _core.Encoder(
            features=model.features,
            window_bars=model.window_bars,
            channels=config.tcn_channels,
            kernel=config.tcn_kernel,
            width=config.latent_width,
            blocks=config.representation_blocks,
            kernels=kernels or kernels_here(precision).name,
            threads=threads,
            precision=precision,
        )
        self.refresh()

    def refresh(self) -> None:
        """Copy the weights again after they have changed.

        Raises:
            SearchError: a parameter is missing, unknown or has another shape.
        """
        self.take(self._model.representation_network.parameters())

    def take(self, parameters: dict[str, Any]) -> None:
        """Copy other weights, a tree of arrays as a representation network's `parameters`.

        Raises:
            SearchError: a parameter is missing, unknown or has another shape.
        """
        arrays = _folded(dict(tree_flatten(parameters)))
        self._mean, self._scale = (arrays.pop(f"{_NORM}.{name}") for name in ("mean", "scale"))
        load_parameters(self._core, arrays)

    def __call__(self, observation: F32) -> mx.array:
        """Latents ``f32[n, D]`` of observations ``f32[n, W, F]``."""
        return mx.array(self._core.encode((observation - self._mean) * self._scale))


def _folded(weights: dict[str, mx.array]) -> dict[str, F32]:
    """Weights of a representation network by name, batch norms folded into their layers."""
    arrays = {f"{_REPRESENTATION}{name}": floats(array) for name, array in weights.items()}
    for layer_end, norm_end in _NORMED:
        for weight in [name for name in arrays if name.endswith(f"{layer_end}.weight")]:
            owner = weight.removesuffix(f"{layer_end}.weight")
            bias = f"{owner}{layer_end}.bias"
            norm = [arrays.pop(f"{owner}{norm_end}.{name}") for name in _STATISTICS]
            arrays[weight], arrays[bias] = fold_batch_norm(arrays[weight], arrays[bias], *norm)
    return arrays


class _Support(Protocol):
    @property
    def centers(self) -> mx.array: ...


class RecurrentModule(Protocol):
    """The parts of a model that are copied: its sizes, and its weights by name."""

    config: ModelConfig
    actions: int
    outcomes: int

    @property
    def support(self) -> _Support:
        """The value support, whose bins the value network predicts."""
        ...

    def parameters(self) -> dict[str, Any]:
        """Weights as a tree, with the recurrent networks under ``<name>_network``."""
        ...


class NativeEvaluator:
    """Evaluates leaves in C++ (cpp/networks), without dropout; norms, sums and heads in float32.

    `Search.run` runs the whole search in C++ and never calls `expand`. Uses the model's weights as
    of the last `refresh`. The result for a leaf is independent of the other leaves in the batch,
    bit for bit, except where Accelerate does the products (macOS).
    """

    def __init__(
        self,
        model: RecurrentModule,
        kernels: str | None = None,
        precision: Precision = "float32",
    ) -> None:
        """Copy the model's weights.

        Args:
            model: the networks.
            kernels: one of `_core.kernels()`, those that this machine can run; by default
                `kernels_here` in that precision.
            precision: number format of the large products.

        Raises:
            SearchError: a network differs from `StochasticMuZero`'s; names the parameter.
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
            kernels=kernels or kernels_here(precision).name,
            precision=precision,
        )
        self.refresh()

    def refresh(self) -> None:
        """Copy the model's weights again after they have changed.

        Raises:
            SearchError: a parameter is missing, unknown or has another shape.
        """
        arrays = {
            name: floats(array)
            for name, array in dict(tree_flatten(self._model.parameters())).items()
            if name.startswith(_RECURRENT)
        }
        arrays["support.centers"] = floats(self._model.support.centers)
        load_parameters(self.core, arrays)

    def close(self) -> None:
        """Does nothing: everything runs in this process."""

    def predict(self, latents: mx.array) -> tuple[F32, F32]:
        """Policy ``f32[n, A]`` and value ``f32[n]`` of latents ``f32[n, D]``."""
        prior, value = self.core.predict(floats(latents))
        return prior, value

    def reset(self, root_latents: mx.array, root_slots: I32, capacity: int) -> None:
        """Start a search (see `Evaluator.reset`)."""
        self.core.reset(floats(root_latents), root_slots, capacity)

    def latents(self, slots: I32) -> F32:
        """Latents ``f32[n, D]`` that are stored in `slots` ``i32[n]``."""
        return self.core.latents(slots)

    def expand(self, leaves: Leaves) -> Expansion:
        """Evaluate actions with all their outcomes (see `Evaluator.expand`)."""
        return Expansion(*self.core.expand_all(leaves.parent, leaves.action, leaves.slot))

    def expand_single(self, leaves: SingleLeaves) -> SingleExpansion:
        """Evaluate single chance and decision nodes (see `Evaluator.expand_single`)."""
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


_ENCODED: dict[Precision, Precision] = {"int8": "bfloat16"}
"""Precision of the encoder, if another: it runs once a decision, and all that follows keeps its
errors."""


def _encoder(model: StochasticMuZero, threads: int, precision: Precision) -> Encoder:
    """The C++ encoder for "tcn"; MLX runs the other encoders, once per decision, in float32."""
    if model.config.encoder == "tcn":
        kernels = kernels_here(precision).name  # as the search's: decisions were timed as a whole
        return NativeEncoder(model, threads, kernels, _ENCODED.get(precision, precision))
    return MlxEncoder(model)


def _evaluator(model: StochasticMuZero, precision: Precision) -> NativeEvaluator:
    return NativeEvaluator(model, precision=precision)


def _market(model: FactoredModel, threads: int, precision: Precision = "float32") -> NativeMarket:
    return NativeMarket(model, threads, precision=precision)


BACKEND = BackendFactory(
    encoder=_encoder,
    evaluator=_evaluator,
    market=_market,
    threaded=True,
    precisions=get_args(Precision),
)
