"""The networks that are computed once a decision: a root's latent, policy and value."""

from dataclasses import dataclass
from typing import Protocol

import mlx.core as mx

from mlx_muzero.backends.backend import Encoder, ModelEvaluator
from mlx_muzero.types import F32


@dataclass(frozen=True, eq=False)
class Prediction:
    """The networks' view of B observations, without search.

    Attributes:
        latent: ``f32[B, D]``.
        prior: ``f32[B, A]`` policy probabilities, including illegal actions.
        value: ``f32[B]``.
    """

    latent: mx.array
    prior: F32
    value: F32


class Roots(Protocol):
    """Root inference with a model whose weights may change."""

    def __call__(self, observation: F32) -> Prediction:
        """Root inference on observations ``f32[B, W, F]``."""
        ...

    def refresh(self) -> None:
        """Copy the model's current weights."""
        ...

    def close(self) -> None:
        """Stop the child process, if any of its own; it cannot be used afterwards."""
        ...


class ModelRoots:
    """`Roots` of a backend that computes the model itself.

    Args:
        encode: computes latents.
        heads: computes policies and values of latents.
        shared: whether `heads` evaluates leaves too, and is refreshed for them.
    """

    def __init__(self, encode: Encoder, heads: ModelEvaluator, *, shared: bool) -> None:
        self._encode, self._heads, self._shared = encode, heads, shared

    def __call__(self, observation: F32) -> Prediction:
        """Root inference on observations ``f32[B, W, F]``."""
        latent = self._encode(observation)
        return Prediction(latent, *self._heads.predict(latent))

    def refresh(self) -> None:
        """Copy the model's current weights."""
        self._encode.refresh()
        if not self._shared:
            self._heads.refresh()

    def close(self) -> None:
        """Does nothing: everything runs in this process."""
