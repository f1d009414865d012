"""Evaluates the leaves of a sampling search over a market that answers no action."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mlx_muzero.search.choice_policy import choice_policy
from mlx_muzero.search.evaluator import Expansion, Leaves, SingleExpansion, SingleLeaves
from mlx_muzero.search.market_evaluator import MarketEvaluator, MarketStates
from mlx_muzero.search.terms import Terms
from mlx_muzero.types import F32, F64, I32, I64

WorthInForce = Callable[[F64, I32, I64, I64], F64]
"""Turns worth ``f64[n, S]`` of states in clusters ``i32[n]`` into that under the rules in force,
given the root ``i64[n]`` that each lies below, and how many bars ``i64[n]``."""

Told = Callable[[I64, I64], F32 | None]
"""What the networks are told beside the market ``f32[n, I]``, by root ``i64[n]`` and bars ahead
``i64[n]``; None if nothing."""

_NONE = -1


class MarketLeaves:
    """An `Evaluator` that asks a market for each of its states once, whoever stands in it.

    The outcomes since the root name a market state: whatever an account does on the way, it shares
    it with all others, and what it earns is arithmetic. The states that may follow one are
    evaluated together, also if the search asks for a single outcome.

    Args:
        market: evaluates states.
        terms: under which accounts act.
        condition: ``i64[B, d + 1]`` of the terms that is in force at each depth, by root.
        account: ``i32[B]`` states of the accounts at the roots.
        in_force: corrects worth that was learned under other rules.
        pips: of the moves of a bar; worth a factor of e in the policy of a state.
        told: to the networks.
    """

    def __init__(
        self,
        market: MarketEvaluator,
        terms: Terms,
        condition: I64,
        account: I32,
        in_force: WorthInForce,
        pips: float,
        told: Told = lambda _root, _bars: None,
    ) -> None:
        self._market, self._terms, self._condition = market, terms, condition
        self._root_account, self._in_force, self._pips = account, in_force, pips
        self._told = told

    @property
    def evaluations(self) -> I32:
        """``i32[B]`` market states evaluated below each root in this search."""
        roots = len(self._root_account)
        below = self._known["root"][roots : self._count]
        return np.bincount(below, minlength=roots).astype(np.int32)

    def prediction(self, roots: MarketStates) -> tuple[F32, F32]:
        """Prior ``f32[B, A]`` and value ``f32[B]`` of the accounts at the roots."""
        row = np.arange(len(self._root_account))
        choices = self._choices(roots, row, np.zeros_like(row))[1][row, self._root_account]
        return choice_policy(choices, self._pips), choices.max(axis=-1).astype(np.float32)

    def reset(self, root_latents: MarketStates, root_slots: I32, capacity: int) -> None:
        """Start a search (see `Evaluator.reset`)."""
        self._known = np.empty(2 * len(root_slots), self._row_type(root_latents))
        self._count = 0
        row = np.arange(len(root_slots))
        self._add(root_latents, row, np.zeros_like(row))
        self._state: I64 = np.zeros(capacity, np.int64)
        self._account: I32 = np.zeros(capacity, np.int32)
        self._state[root_slots], self._account[root_slots] = row, self._root_account

    def expand(self, leaves: Leaves) -> Expansion:
        """Evaluate actions with all their outcomes (see `Evaluator.expand`)."""
        outcome = np.arange(leaves.slot.shape[1])
        reward, value, prior = self._decisions(
            leaves.parent[:, None], leaves.action[:, None], outcome, leaves.slot
        )
        return Expansion(
            self._known["outcome_probs"][self._state[leaves.parent]], reward, value, prior
        )

    def expand_single(self, leaves: SingleLeaves) -> SingleExpansion:
        """Evaluate single chance and decision nodes (see `Evaluator.expand_single`).

        What an action is worth needs no evaluation: it is the worth of the account that follows,
        less what the action pays.
        """
        state, known = self._state[leaves.chance_parent], self._known
        account, action = self._account[leaves.chance_parent], leaves.chance_action
        after = self._terms.next_state[account, action]
        return SingleExpansion(
            known["outcome_probs"][state],
            (known["worth"][state, after] - self._paid(state, account, action)).astype(np.float32),
            *self._decisions(leaves.parent, leaves.action, leaves.outcome, leaves.slot),
        )

    def _decisions(
        self, parent: I32, action: I32, outcome: npt.NDArray[np.integer], slot: I32
    ) -> tuple[F32, F32, F32]:
        """Reward, value and prior of decision nodes in as many slots, whose accounts they store."""
        above, account = self._state[parent], self._account[parent]
        below = self._below(above) + outcome
        after = self._terms.next_state[account, action]
        self._state[slot], self._account[slot] = below, after
        known = self._known
        reward = known["held"][above, outcome, after] - self._paid(above, account, action)
        return reward.astype(np.float32), known["value"][below, after], known["prior"][below, after]

    def _paid(self, state: I64, account: I32, action: I32) -> F64:
        """``f64[...]`` pips that actions pay."""
        known = self._known
        condition = self._condition[known["root"][state], known["depth"][state]]
        return np.asarray(self._terms.charged[condition, account, action])

    def _below(self, above: I64) -> I64:
        """``i64[...]`` rows of the first successors of states; evaluates those not yet known."""
        new = np.unique(above[self._known["below"][above] == _NONE])
        if len(new):
            root, depth = self._known["root"][new], self._known["depth"][new] + 1
            latent, told = self._known["latent"][new], self._told(root, depth)
            successors = self._market.successors(latent, told)
            outcomes = len(successors.latent) // len(new)
            self._known["below"][new] = self._count + outcomes * np.arange(len(new))
            self._add(successors, np.repeat(root, outcomes), np.repeat(depth, outcomes))
        return np.asarray(self._known["below"][above])

    def _add(self, states: MarketStates, root: I64, depth: I64) -> None:
        first, self._count = self._count, self._count + len(root)
        if self._count > len(self._known):
            self._known = np.resize(self._known, 2 * self._count)
        worth, choices = self._choices(states, root, depth)
        rows = self._known[first : self._count]
        rows["latent"], rows["outcome_probs"] = states.latent, states.outcome_probs
        rows["held"] = self._terms.held(
            states.move.astype(np.float64), self._condition[root, depth]
        )
        rows["worth"], rows["value"] = worth, choices.max(axis=-1)
        rows["prior"] = choice_policy(choices, self._pips)
        rows["root"], rows["depth"], rows["below"] = root, depth, _NONE

    def _choices(self, states: MarketStates, root: I64, depth: I64) -> tuple[F64, F64]:
        """Worth ``f64[n, S]`` and choices ``f64[n, S, A]`` in states so far below their roots."""
        worth = self._in_force(states.worth.astype(np.float64), states.cluster, root, depth)
        return worth, self._terms.choices(worth, self._condition[root, depth])

    def _row_type(self, states: MarketStates) -> np.dtype[np.void]:
        """Everything kept of a market state."""
        (_, width), (_, outcomes) = states.latent.shape, states.move.shape
        accounts, actions = self._terms.next_state.shape
        return np.dtype(
            [
                ("latent", np.float32, width),
                ("outcome_probs", np.float32, outcomes),
                ("held", np.float64, (outcomes, accounts)),
                ("worth", np.float64, accounts),
                ("value", np.float32, accounts),
                ("prior", np.float32, (accounts, actions)),
                ("root", np.int64),
                ("depth", np.int64),
                ("below", np.int64),  # row of the first successor, or -1
            ]
        )
