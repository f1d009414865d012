"""A random but reproducible market, for tests and goldens of searches over one."""

import numpy as np

from mlx_muzero.rng import uniform
from mlx_muzero.search.expectimax import MarketLayer
from mlx_muzero.search.hash_evaluator import hashed
from mlx_muzero.search.market_evaluator import UNTOLD, KnownAhead, MarketAhead, MarketStates
from mlx_muzero.types import F32, I64

_PROBABILITY, _MOVE, _WORTH = range(3)


class HashMarket:
    """A `MarketEvaluator` whose every number is a hash; a latent is the number of a state.

    Successors of state s are ``s * C + 1 .. s * C + C``, so numbers are exact in float32 for trees
    of millions of states. Roots with the same number are one market.

    Args:
        num_outcomes: number of chance outcomes (C).
        num_positions: number of positions (P).
    """

    def __init__(self, num_outcomes: int, num_positions: int) -> None:
        self._outcomes, self._positions = num_outcomes, num_positions

    def roots(self, observation: F32, known: F32 | None = None) -> MarketStates:
        """States numbered by the first figure of observations ``f32[B, W, F]``."""
        return self._states(observation[:, 0, 0].astype(np.int64))

    def successors(self, latent: F32, known: F32 | None = None) -> MarketStates:
        """See `MarketEvaluator.successors`."""
        first = latent[:, :1].astype(np.int64) * self._outcomes + 1
        return self._states((first + np.arange(self._outcomes)).reshape(-1))

    def ahead(self, observation: F32, depth: int, known: KnownAhead = UNTOLD) -> MarketAhead:
        """See `MarketEvaluator.ahead`."""
        root = states = self.roots(observation)
        layers = []
        for _ in range(depth):
            layers.append(MarketLayer(states.outcome_probs, states.move))
            states = self.successors(states.latent)
        worth = (each.worth.astype(np.float64) for each in (states, root))
        leaf_worth, root_worth = worth
        return MarketAhead(layers, leaf_worth, states.cluster, root_worth)

    def refresh(self) -> None:
        """Does nothing: there are no weights."""

    def close(self) -> None:
        """Does nothing: everything runs in this process."""

    def _states(self, number: I64) -> MarketStates:
        weights = self._numbers(_PROBABILITY, number, self._outcomes) + 0.05
        return MarketStates(
            number[:, None].astype(np.float32),
            weights / weights.sum(axis=1, keepdims=True),
            4.0 * self._numbers(_MOVE, number, self._outcomes) - 2.0,
            8.0 * self._numbers(_WORTH, number, self._positions) - 4.0,
            (number % 2).astype(np.int32),
        )

    def _numbers(self, kind: int, number: I64, count: int) -> F32:
        """``f32[n, count]`` in [0, 1)."""
        counter = np.arange(count, dtype=np.uint64)
        drawn = hashed(kind, number[:, None].astype(np.uint64), counter)
        return np.asarray(uniform(drawn), np.float32)
