"""The terms under which accounts act: what each action leads to, and what it pays and when."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mlx_muzero.types import F64, I32


@dataclass(frozen=True, eq=False)
class Terms:
    """The account's arithmetic as arrays: a search under other terms needs no other network.

    Attributes:
        exposures: ``f64[S]`` signed exposure in each account state: in each position, where
            nothing but it decides what is legal.
        next_state: ``i32[S, A]`` state after an action; -1 where illegal.
        costs: ``f64[H, S, A]`` pips that an action pays; row h holds h, H + h, 2H + h ... bars
            from now, so one row means costs that never change.
    """

    exposures: F64
    next_state: I32
    costs: F64

    def shifted(self, bars: int) -> "Terms":
        """The terms as they are so many bars later."""
        return replace(self, costs=np.roll(self.costs, -bars, axis=0))

    def costs_in(self, bars: int) -> F64:
        """``f64[S, A]`` pips that actions pay so many bars from now; infinite where illegal."""
        return np.asarray(self._charged[bars % len(self._charged)])

    def best(self, worth: F64, bars: int) -> F64:
        """``f64[..., S]`` worth of standing in each state before the decision so many bars on.

        Args:
            worth: ``f64[..., S]`` of standing in each state after that decision.
            bars: how far ahead the decision is.
        """
        return np.asarray(self.choices(worth, bars).max(axis=-1))

    def choices(self, worth: F64, bars: int) -> F64:
        """``f64[..., S, A]`` what `best` is the best of; minus infinity where illegal."""
        return np.asarray(worth[..., self.next_state] - self.costs_in(bars))

    def same_as(self, other: "Terms") -> bool:
        """Whether every account would earn the same under both, but for rounding."""
        return (
            np.array_equal(self.exposures, other.exposures)
            and np.array_equal(self.next_state, other.next_state)
            and self.costs.shape == other.costs.shape
            and np.allclose(self._charged, other._charged, rtol=1e-9, atol=0.0)
        )

    @cached_property
    def _charged(self) -> F64:
        return np.where(self.next_state < 0, np.inf, self.costs)
