"""What a backend that needs nothing but a model provides: its module's `BACKEND`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import mlx.core as mx

from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search.evaluator import Evaluator
from mlx_muzero.types import F32


class Encoder(Protocol):
    """The representation network of a model whose weights may change."""

    def __call__(self, observation: F32) -> mx.array:
        """Latents f32[n, D] of observations f32[n, W, F]."""
        ...

    def refresh(self) -> None:
        """Takes over the model's present weights."""
        ...


class ModelEvaluator(Evaluator[mx.array], Protocol):
    """An evaluator of a model whose weights may change."""

    def predict(self, latents: mx.array) -> tuple[F32, F32]:
        """Policy f32[n, A] and value f32[n] of latents f32[n, D]."""
        ...

    def refresh(self) -> None:
        """Takes over the model's present weights."""
        ...

    def close(self) -> None:
        """Ends its child process, if it has one; it cannot be used any more."""
        ...


@dataclass(frozen=True)
class BackendFactory:
    """How a backend computes a model.

    Attributes:
        encoder: makes the encoder of a model, whose work that many threads share.
        evaluator: makes the evaluator of a model; raises SearchError if it cannot represent it.
        threaded: whether one search gains from several threads.
    """

    encoder: Callable[[StochasticMuZero, int], Encoder]
    evaluator: Callable[[StochasticMuZero], ModelEvaluator]
    threaded: bool
