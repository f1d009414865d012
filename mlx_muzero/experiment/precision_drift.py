"""How far two evaluators of one model drift apart, each continuing from its own latents."""

from collections.abc import Iterator
from typing import Protocol

import mlx.core as mx
import numpy as np

from mlx_muzero.backends.native import NativeEvaluator
from mlx_muzero.exports.drift import REPORTED_STEPS, drawn, latent_frac
from mlx_muzero.exports.figures import Drift
from mlx_muzero.exports.samples import Samples
from mlx_muzero.search.evaluator import SingleLeaves
from mlx_muzero.search.market_evaluator import MarketEvaluator, MarketStates
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.types import F32, I32

_NONE = np.zeros(0, np.int32)


class Walk(Protocol):
    """Rows of states that advance together.

    Attributes:
        latent: ``f32[n, D]`` of the states.
        policy: ``f32[n, A]`` of the states, or ``f32[n, C]`` probabilities of what follows.
        value: ``f32[n]``, or ``f32[n, P]`` worth of each position.
    """

    latent: F32
    policy: F32
    value: F32

    def outcome_probs(self, action: I32) -> F32:
        """``f32[n, C]`` of what may follow `action` ``i32[n]``."""
        ...

    def advance(self, action: I32, outcome: I32) -> F32:
        """Step by `action` and `outcome` ``i32[n]``; rewards, or moves, ``f32[n]``."""
        ...


class MuZeroWalk:
    """A `Walk` through a model of market and account."""

    def __init__(self, evaluator: NativeEvaluator, latent: mx.array) -> None:
        self._evaluator, self._slots = evaluator, np.arange(len(latent), dtype=np.int32)
        evaluator.reset(latent, self._slots, len(latent))
        self.latent = np.asarray(latent)
        self.policy, self.value = evaluator.predict(latent)

    def outcome_probs(self, action: I32) -> F32:
        """See `Walk.outcome_probs`."""
        leaves = SingleLeaves(self._slots, self._slots, action, *(_NONE,) * 5)
        return self._evaluator.expand_single(leaves).outcome_probs

    def advance(self, action: I32, outcome: I32) -> F32:
        """See `Walk.advance`."""
        slots = self._slots
        leaves = SingleLeaves(*(_NONE,) * 3, slots, slots, action, outcome, slots)
        found = self._evaluator.expand_single(leaves)
        self.latent = self._evaluator.latents(self._slots)
        self.policy, self.value = found.prior, found.value
        return found.reward


class MarketWalk:
    """A `Walk` through a model of the market alone, whatever the actions."""

    def __init__(self, market: MarketEvaluator, observation: F32) -> None:
        self._market, self._row = market, np.arange(len(observation))
        self._show(market.roots(observation))

    def _show(self, states: MarketStates) -> None:
        self.latent, self._move = states.latent, states.move
        self.policy, self.value = states.outcome_probs, states.worth

    def outcome_probs(self, action: I32) -> F32:
        """See `Walk.outcome_probs`."""
        return self.policy

    def advance(self, action: I32, outcome: I32) -> F32:
        """See `Walk.advance`."""
        move = self._move[self._row, outcome]
        states = self._market.successors(self.latent)
        self._show(states.of_rows(self._row * self.policy.shape[1] + outcome))
        return move


def drift(own: Walk, exact: Walk, table: ActionTable, samples: Samples) -> Iterator[Drift]:
    """Take the same legal actions and likely outcomes on both walks, from the same situations."""
    random, position = np.random.default_rng(1), samples.position
    for steps in range(1, max(REPORTED_STEPS) + 1):
        legal = table.legal_mask(position)
        action = (legal * (1.0 - random.random(legal.shape))).argmax(axis=1).astype(np.int32)
        position = table.next_position[position, action]
        outcome = drawn(mx.array(exact.outcome_probs(action)), random)
        reward = exact.advance(action, outcome)
        off = own.advance(action, outcome) - reward
        if steps in REPORTED_STEPS:
            yield Drift(
                steps=steps,
                latent_frac=latent_frac(own.latent, mx.array(exact.latent)),
                policy=float(np.abs(own.policy - exact.policy).sum(axis=-1).mean() / 2),
                value=float(np.abs(own.value - exact.value).mean()),
                reward=float(np.abs(off).mean()),
            )
