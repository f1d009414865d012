"""The `mlx` backend: the MLX model itself encodes observations and evaluates leaves."""

from typing import Protocol

import mlx.core as mx
import numpy as np

from mlx_muzero.backends.backend import BackendFactory
from mlx_muzero.backends.mlx_market import MlxMarket
from mlx_muzero.config.choices import Precision
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search.evaluator import Expansion, Leaves, SingleExpansion, SingleLeaves
from mlx_muzero.search.latent_pool import LatentPool
from mlx_muzero.types import F32, I32


class RecurrentModel(Protocol):
    """The networks that a search needs, over rows of mx.array, in eval mode (no dropout)."""

    def outcome_logits(self, latent: mx.array, action: mx.array) -> mx.array:
        """Latent ``f32[n, D]``, action ``i32[n]`` -> outcome logits ``f32[n, C]``."""
        ...

    def dynamics(
        self, latent: mx.array, action: mx.array, outcome: mx.array
    ) -> tuple[mx.array, mx.array]:
        """Latent ``f32[n, D]``, action and outcome ``i32[n]`` -> next latent, reward ``f32[n]``."""
        ...

    def policy_logits(self, latent: mx.array) -> mx.array:
        """Latent ``f32[n, D]`` -> action logits ``f32[n, A]``."""
        ...

    def value(self, latent: mx.array) -> mx.array:
        """Latent or afterstate ``f32[n, D]`` -> value ``f32[n]``, decoded from the support."""
        ...

    def afterstate(self, latent: mx.array, action: mx.array) -> mx.array:
        """Latent ``f32[n, D]``, action ``i32[n]`` -> afterstate ``f32[n, D]``."""
        ...


class MlxEncoder:
    """Encodes observations with the MLX model itself."""

    def __init__(self, model: StochasticMuZero) -> None:
        self._model = model

    def refresh(self) -> None:
        """Does nothing: the model itself encodes."""

    def __call__(self, observation: F32) -> mx.array:
        """Latents ``f32[n, D]`` of observations ``f32[n, W, F]``."""
        self._model.eval()
        return self._model.representation(mx.array(observation))


class MlxEvaluator:
    """Evaluates leaves in one batched call with a single `mx.eval`."""

    def __init__(self, model: RecurrentModel) -> None:
        self._model = model
        self._pool = LatentPool()

    def refresh(self) -> None:
        """Does nothing: the model itself evaluates."""

    def close(self) -> None:
        """Does nothing: everything runs in this process."""

    def predict(self, latents: mx.array) -> tuple[F32, F32]:
        """Policy ``f32[n, A]`` and value ``f32[n]`` of latents ``f32[n, D]``."""
        prior, value = _evaluated(
            mx.softmax(self._model.policy_logits(latents), axis=-1), self._model.value(latents)
        )
        return prior, value

    def reset(self, root_latents: mx.array, root_slots: I32, capacity: int) -> None:
        """Start a search (see `Evaluator.reset`)."""
        self._pool.reset(np.asarray(root_latents.astype(mx.float32)), root_slots, capacity)

    def expand(self, leaves: Leaves) -> Expansion:
        """Evaluate actions with all their outcomes (see `Evaluator.expand`)."""
        n, outcomes = leaves.slot.shape
        latent, action = mx.array(self._pool[leaves.parent]), mx.array(leaves.action)
        probs = mx.softmax(self._model.outcome_logits(latent, action), axis=-1)
        successors = self._successors(
            mx.repeat(latent, outcomes, axis=0),
            mx.repeat(action, outcomes),
            mx.tile(mx.arange(outcomes, dtype=mx.int32), n),
        )
        outcome_probs, reward, value, prior, latents = _evaluated(probs, *successors)
        self._pool[leaves.slot.reshape(-1)] = latents
        return Expansion(
            outcome_probs=outcome_probs,
            reward=reward.reshape(n, outcomes),
            value=value.reshape(n, outcomes),
            prior=prior.reshape(n, outcomes, -1),
        )

    def expand_single(self, leaves: SingleLeaves) -> SingleExpansion:
        """Evaluate single chance and decision nodes (see `Evaluator.expand_single`)."""
        above, taken = mx.array(self._pool[leaves.chance_parent]), mx.array(leaves.chance_action)
        successors = self._successors(
            mx.array(self._pool[leaves.parent]), mx.array(leaves.action), mx.array(leaves.outcome)
        )
        outcome_probs, afterstate_value, reward, value, prior, latents = _evaluated(
            mx.softmax(self._model.outcome_logits(above, taken), axis=-1),
            self._model.value(self._model.afterstate(above, taken)),
            *successors,
        )
        self._pool[leaves.slot] = latents
        return SingleExpansion(outcome_probs, afterstate_value, reward, value, prior)

    def _successors(
        self, latent: mx.array, action: mx.array, outcome: mx.array
    ) -> tuple[mx.array, mx.array, mx.array, mx.array]:
        """Reward, value, prior and latent of the decision nodes one environment step later."""
        successor, reward = self._model.dynamics(latent, action, outcome)
        prior = mx.softmax(self._model.policy_logits(successor), axis=-1)
        return reward, self._model.value(successor), prior, successor


def _evaluated(*arrays: mx.array) -> list[F32]:
    """All arrays as float32 in NumPy, computed in one `mx.eval`; empty ones are skipped."""
    as_float = [array.astype(mx.float32) for array in arrays]
    mx.eval([array for array in as_float if array.size])
    return [np.asarray(a) if a.size else np.empty(a.shape, np.float32) for a in as_float]


def _market(model: FactoredModel, _threads: int, _precision: Precision = "float32") -> MlxMarket:
    return MlxMarket(model)


BACKEND = BackendFactory(
    encoder=lambda model, _threads, _precision: MlxEncoder(model),
    evaluator=lambda model, _precision: MlxEvaluator(model),
    market=_market,
    threaded=False,
    precisions=("float32",),
)
