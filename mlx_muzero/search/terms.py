"""The terms under which accounts act: what each action leads to, and what it pays and when."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mlx_muzero.types import F32, F64, I32, I64


@dataclass(frozen=True, eq=False)
class Terms:
    """The account's arithmetic as arrays: a search under other terms needs no other network.

    Costs and limits may change from bar to bar. Bars at which they are the same share one of K
    *conditions*; a search is told the condition of every bar it looks at.

    Attributes:
        exposures: ``f64[S]`` signed exposure in each account state: in each position, where
            nothing but it decides what is legal.
        next_state: ``i32[S, A]`` state after an action; -1 where illegal.
        costs: ``f64[K, S, A]`` pips that an action pays in each condition; infinite where a limit
            forbids it then.
        carry: ``f64[K, S]`` pips paid for standing in each state over the bar after a decision in
            that condition, beside its moves.
    """

    exposures: F64
    next_state: I32
    costs: F64
    carry: F64

    @classmethod
    def free_to_hold(cls, exposures: F64, next_state: I32, costs: F64) -> "Terms":
        """Terms under which holding pays nothing."""
        return cls(exposures, next_state, costs, np.zeros((len(costs), len(exposures))))

    @classmethod
    def together(cls, parts: Sequence["Terms"]) -> "Terms":
        """Terms of the same accounts with the conditions of all parts, one after another."""
        costs = np.concatenate([part.costs for part in parts])
        return replace(parts[0], costs=costs, carry=np.concatenate([p.carry for p in parts]))

    def best(self, worth: F64, condition: I64) -> F64:
        """``f64[n, S]`` worth of standing in each state before a decision.

        Args:
            worth: ``f64[n, S]`` of standing in each state after it.
            condition: ``i64[m]`` in which it is taken; each holds for n / m rows in turn.
        """
        return np.asarray(self.choices(worth, condition).max(axis=-1))

    def choices(self, worth: F64, condition: I64) -> F64:
        """``f64[n, S, A]`` what `best` is the best of; minus infinity where not allowed."""
        groups = worth.reshape(len(condition), -1, worth.shape[-1])
        choices = groups[..., self.next_state] - self.charged[condition][:, None]
        return np.asarray(choices.reshape(len(worth), *self.next_state.shape))

    def held(self, moved: F32 | F64, condition: I64) -> F64:
        """``f64[n, C, S]`` pips earned by standing in each state over a bar.

        Args:
            moved: ``f32[n, C]`` or ``f64[n, C]`` pips that the price may move.
            condition: ``i64[m]`` of the decision before; each holds for n / m rows in turn.
        """
        paid = np.repeat(self.carry[condition], len(moved) // len(condition), axis=0)
        return np.asarray(moved[..., None] * self.exposures - paid[:, None])

    def priced(self, pips: float) -> "Terms":
        """These terms where an exposure of 1 pays so many pips for every bar that it is held."""
        return replace(self, carry=self.carry + pips * np.abs(self.exposures))

    @cached_property
    def charged(self) -> F64:
        """``f64[K, S, A]`` pips that actions pay in each condition; infinite where not allowed."""
        return np.where(self.next_state < 0, np.inf, self.costs)

    def same_as(self, other: "Terms") -> bool:
        """Whether every account would earn the same under both, but for rounding."""
        return (
            np.array_equal(self.exposures, other.exposures)
            and np.array_equal(self.next_state, other.next_state)
            and self.costs.shape == other.costs.shape
            and np.allclose(self.charged, other.charged, rtol=1e-9, atol=0.0)
            and np.allclose(self.carry, other.carry, rtol=1e-9, atol=0.0)
        )
