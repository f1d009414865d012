"""A random but reproducible network, for tests, examples and measuring the search alone."""

import numpy as np

from mlx_muzero.rng import mix, uniform
from mlx_muzero.search.evaluator import Expansion, Leaves, SingleExpansion, SingleLeaves
from mlx_muzero.types import F32, I32, U64

_OUTCOME, _DYNAMICS, _REWARD, _PRIOR, _VALUE, _AFTERSTATE = range(6)


class HashEvaluator:
    """Computes every network output as a hash of its inputs; a latent is a uint64 state.

    So a state's successors, values and priors are the same wherever it occurs.

    Args:
        num_actions: number of actions (A).
        num_outcomes: number of chance outcomes (C).
        levels: 0 for uniform numbers; otherwise multiples of ``1 / levels``, including zero, so
            that ties and impossible actions and outcomes occur.
    """

    def __init__(self, num_actions: int, num_outcomes: int, levels: int = 0) -> None:
        self._actions = np.arange(num_actions, dtype=np.uint64)
        self._outcomes = np.arange(num_outcomes, dtype=np.uint64)
        self._levels = levels
        self._pool: U64 = np.empty(0, np.uint64)

    def prediction(self, state: U64) -> tuple[F32, F32]:
        """Prior ``f32[n, A]`` and value ``f32[n]`` of states ``u64[n]``."""
        prior = self._numbers(_PRIOR, state[..., None], self._actions)
        return prior, self._numbers(_VALUE, state)

    def reset(self, root_latents: U64, root_slots: I32, capacity: int) -> None:
        """Start a search (see `Evaluator.reset`)."""
        self._pool = np.zeros(capacity, np.uint64)
        self._pool[root_slots] = root_latents

    def state(self, slot: int) -> int:
        """The state in a slot of the pool."""
        return int(self._pool[slot])

    def expand(self, leaves: Leaves) -> Expansion:
        """Evaluate actions with all their outcomes (see `Evaluator.expand`)."""
        above, action = self._pool[leaves.parent], leaves.action.astype(np.uint64)
        reward, value, prior = self._successors(
            above[:, None], action[:, None], self._outcomes, leaves.slot
        )
        return Expansion(self._outcome_probs(above, action), reward, value, prior)

    def expand_single(self, leaves: SingleLeaves) -> SingleExpansion:
        """Evaluate single chance and decision nodes (see `Evaluator.expand_single`)."""
        above, taken = self._pool[leaves.chance_parent], leaves.chance_action.astype(np.uint64)
        action, outcome = leaves.action.astype(np.uint64), leaves.outcome.astype(np.uint64)
        return SingleExpansion(
            self._outcome_probs(above, taken),
            self._numbers(_AFTERSTATE, above, taken),
            *self._successors(self._pool[leaves.parent], action, outcome, leaves.slot),
        )

    def _successors(self, above: U64, action: U64, outcome: U64, slot: I32) -> tuple[F32, F32, F32]:
        state = hashed(_DYNAMICS, above, action, outcome)
        self._pool[slot] = state
        prior, value = self.prediction(state)
        return self._numbers(_REWARD, above, action, outcome), value, prior

    def _outcome_probs(self, above: U64, action: U64) -> F32:
        weights = self._numbers(_OUTCOME, above[:, None], action[:, None], self._outcomes)
        weights[weights.sum(axis=1) == 0.0] = 1.0
        return weights

    def _numbers(self, kind: int, *inputs: U64) -> F32:
        """Numbers in [0, 1), one for each element of the broadcast inputs."""
        numbers = uniform(hashed(kind, *inputs))
        if self._levels:
            numbers = np.floor(numbers * self._levels) / self._levels
        return numbers.astype(np.float32)


def hashed(kind: int, *inputs: U64) -> U64:
    """A hash of broadcastable inputs, another for every kind of output."""
    value = mix(kind)
    for array in inputs:
        value = mix(value ^ mix(array))
    return value
