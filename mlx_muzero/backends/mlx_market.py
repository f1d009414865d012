"""A factored model's networks, computed by MLX."""

import mlx.core as mx
import numpy as np

from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.search.expectimax import MarketLayer
from mlx_muzero.search.market_evaluator import UNTOLD, KnownAhead, MarketAhead, MarketStates
from mlx_muzero.types import F32


class MlxMarket:
    """A `MarketEvaluator` that is the model itself; each call is one `mx.eval`."""

    def __init__(self, model: FactoredModel) -> None:
        self._model = model

    def refresh(self) -> None:
        """Does nothing: the model itself evaluates."""

    def close(self) -> None:
        """Does nothing: everything runs in this process."""

    def roots(self, observation: F32, known: F32 | None = None) -> MarketStates:
        """The states that observations ``f32[B, W, F]`` show."""
        return self._states(self._encoded(observation), self._told(known, 1))

    def successors(self, latent: F32, known: F32 | None = None) -> MarketStates:
        """The states one bar after latents ``f32[n, D]``, ``n * C`` rows."""
        told = self._told(known, self._model.outcomes)
        return self._states(self._following(mx.array(latent)), told)

    def ahead(self, observation: F32, depth: int, known: KnownAhead = UNTOLD) -> MarketAhead:
        """All states to `depth` below observations ``f32[B, W, F]``."""
        model = self._model
        latent = self._encoded(observation)
        root, inner = latent, []
        for _ in range(depth):
            probs = mx.softmax(model.outcome_logits(latent), axis=-1)
            inner.append((probs, model.moves(latent)))
            latent = self._following(latent)
        now, later = self._told(known.now, 1), self._told(known.later, model.outcomes**depth)
        _, _, worth, cluster = self._seen(latent, later)
        seen = worth, cluster, model.worth(root, now)
        mx.eval(inner, seen)
        leaf_worth, leaf_cluster, root_worth = map(np.array, seen)
        return MarketAhead(
            [MarketLayer(np.array(probs), np.array(moves)) for probs, moves in inner],
            leaf_worth.astype(np.float64),
            leaf_cluster,
            root_worth.astype(np.float64),
        )

    def _told(self, known: F32 | None, each: int) -> mx.array | None:
        """Known inputs of states of which so many in turn have the same."""
        return None if known is None else mx.repeat(mx.array(known), each, axis=0)

    def _encoded(self, observation: F32) -> mx.array:
        if self._model.training:  # to tell every layer takes longer than a small batch
            self._model.eval()
        return self._model.representation(mx.array(observation))

    def _following(self, latent: mx.array) -> mx.array:
        """``f32[n * C, D]`` latents after every outcome."""
        model = self._model
        outcome = mx.tile(mx.arange(model.outcomes, dtype=mx.int32), latent.shape[0])
        return model.dynamics(mx.repeat(latent, model.outcomes, axis=0), outcome)

    def _states(self, latent: mx.array, told: mx.array | None) -> MarketStates:
        seen = latent, *self._seen(latent, told)
        mx.eval(seen)
        return MarketStates(*map(np.array, seen))

    def _seen(self, latent: mx.array, told: mx.array | None) -> tuple[mx.array, ...]:
        """What the networks say of latents, in the order of `MarketStates`."""
        model = self._model
        probs = mx.softmax(model.outcome_logits(latent), axis=-1)
        moves, usual = model.moves(latent), model.worth(latent)
        worth = usual if told is None else model.worth(latent, told)
        cluster = model.chain.nearest(model.summarized(probs, moves, usual))
        return probs, moves, worth, cluster
