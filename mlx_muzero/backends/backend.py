"""Interface of a backend that needs only a model; each module exports one as `BACKEND`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import mlx.core as mx

from mlx_muzero.config.choices import Precision
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search.evaluator import Evaluator
from mlx_muzero.search.market_evaluator import MarketEvaluator
from mlx_muzero.types import F32


class Encoder(Protocol):
    """Computes a model's representation network; the model's weights may change."""

    def __call__(self, observation: F32) -> mx.array:
        """Latents ``f32[n, D]`` of observations ``f32[n, W, F]``."""
        ...

    def refresh(self) -> None:
        """Copy the model's current weights."""
        ...


class ModelEvaluator(Evaluator[mx.array], Protocol):
    """Evaluates leaves with a model whose weights may change."""

    def predict(self, latents: mx.array) -> tuple[F32, F32]:
        """Policy ``f32[n, A]`` and value ``f32[n]`` of latents ``f32[n, D]``."""
        ...

    def refresh(self) -> None:
        """Copy the model's current weights."""
        ...

    def close(self) -> None:
        """Stop the child process, if any; the evaluator cannot be used afterwards."""
        ...


@dataclass(frozen=True)
class BackendFactory:
    """How a backend computes a model.

    Attributes:
        encoder: makes the encoder of a model, with that many threads, in a precision.
        evaluator: makes the evaluator of a model, in a precision; raises SearchError if it cannot
            represent it.
        market: likewise for a model of the market alone, with that many threads.
        threaded: whether a single search benefits from several threads.
        precisions: number formats it computes in.
    """

    encoder: Callable[[StochasticMuZero, int, Precision], Encoder]
    evaluator: Callable[[StochasticMuZero, Precision], ModelEvaluator]
    market: Callable[[FactoredModel, int, Precision], MarketEvaluator]
    threaded: bool
    precisions: tuple[Precision, ...]
