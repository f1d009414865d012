"""Batches for worth that ends with the session, whose targets follow the bars of whole paths.

What an entry left is worth is decided hundreds of bars later, and a target that looks one bar
ahead would carry it back one bar at a time. So rows come in paths of successive bars, and a
target follows the decisions of the weights that play along its path: TD(lambda) (Sutton 1988). All
account states of a bar are followed at once. Every decision is made from what was known at its
bar, so nothing is learned from hindsight.
"""

from functools import cached_property

import mlx.core as mx
import numpy as np
from mlx.utils import tree_unflatten

from mlx_muzero import rng
from mlx_muzero.market.observation.outcomes import DOWN, UP
from mlx_muzero.trading.gains import gains, unit_moves
from mlx_muzero.training.bar_batches import BarBatch, BarSampler, Weights, learnable_bars
from mlx_muzero.types import F64, I64, U64, Bool

PATH_BARS = 120
"""Bars of a path, where a session has so many: the longer, the faster worth reaches back."""

PATH_ROWS = 32
"""Rows of a path, where a batch has so many, spread over its bars: others only carry worth."""

TRACE = 0.9
"""Weight of what happened from each bar of a path to the next, against what worth says there."""


class PathSampler(BarSampler):
    """Draws paths of training bars, with any number of bars left in the session.

    Arguments are as for `BarSampler`.
    """

    @cached_property
    def _longest(self) -> int:
        """Bars of a path."""
        session = self._copy.known.session_bars
        return max(1, min(PATH_BARS, session - self._steps - 2))

    @cached_property
    def _starts(self) -> I64:
        """``i64[n]`` bars at which a path may start."""
        # As many targets, then the bar after them, its fill, and the next.
        starts = learnable_bars(self._dataset, self._longest + self._steps + 2)
        return starts if self._given is None else np.intersect1d(starts, self._given)

    def batch(self, keys: U64, playing: Weights) -> BarBatch:
        """The batch of `keys` ``u64[n]``, the first of which draw paths; targets from `playing`."""
        self._copy.update(tree_unflatten(list(playing.items())))
        length, steps, rows = self._longest, self._steps, len(keys)
        each = min(length, PATH_ROWS, rows)
        key = keys[: -(-rows // each)]
        # Targets of a path, of which the last are for rows unrolled to its end.
        span = length + steps
        start = self._starts[(rng.uniform(key) * len(self._starts)).astype(np.int64)]
        bars = start[:, None] + np.arange(span + 1)
        left_after = self._left_after(key, span, length)
        left = left_after[:, None] + np.arange(span, -1, -1)
        turned = (np.arange(len(key)) % 2 == 1) & (self._upside_down is not None)
        cost = self._drawn_costs(key)
        earned = self._moved(bars[:, :-1], left_after == 0, turned)
        target = self._targets(bars[:, 1:], left[:, 1:], turned, cost, earned)
        outcome = self._outcomes[bars]
        outcome[turned] = UP + DOWN - outcome[turned]
        move = unit_moves(earned, self._rules)
        # Each row is unrolled over the path from its own place.
        path = np.arange(rows) // each
        share = (np.arange(rows) % each + rng.uniform(rng.mix(keys))) / each
        at = path[:, None], (share * length).astype(np.int64)[:, None] + np.arange(steps + 1)
        bar = bars[at][:, 0]
        return BarBatch(
            rows=self._rows(bar, turned[path]),
            outcome=outcome[at[0], at[1][:, 1:]],
            move=move[at].astype(np.float32),
            worth=target[at].astype(np.float32),
            known=self._known_rows(left[at], cost[path]),
            weight=self._weights[bar],
        )

    def _left_after(self, key: U64, span: int, length: int) -> I64:
        """``i64[p]`` decisions of the session left after paths of `span` bars.

        Drawn so that no number of bars left is rare in paths of `length` rows: where one would
        begin before the session or end after it, it begins or ends with it.
        """
        most = self._copy.known.session_bars - span
        drawn = np.floor(rng.uniform(rng.mix(key)) * (most + 2 * length + 1)) - length
        return np.clip(drawn, 0, most).astype(np.int64)

    def _moved(self, bars: I64, ends: Bool, turned: Bool) -> F64:
        """``f64[p, T, S]`` pips of each state between fills; at last to the close if it `ends`."""
        earned = gains(self._dataset, self._rules, bars, final=False)
        if ends.any():
            earned[ends] = gains(self._dataset, self._rules, bars[ends], final=True)
        earned[turned] *= -1.0
        return earned

    def _targets(self, bars: I64, left: I64, turned: Bool, cost: F64, earned: F64) -> F64:
        """``f64[p, T, S]`` pips from standing in each state over the bar before each of `bars`.

        Args:
            bars: ``i64[p, T]`` at which the next decisions are made.
            left: ``i64[p, T]`` decisions of the session left there; 0 where it has ended.
            turned: ``bool[p]`` which paths are upside down.
            cost: ``f64[p]`` of a round trip.
            earned: ``f64[p, T, S]`` over the bar before.
        """
        flat, each = bars.ravel(), np.repeat(turned, bars.shape[1])
        costs = np.repeat(cost, bars.shape[1])
        known = self._known_rows(np.maximum(left, 1), cost)
        latent = self._copy.representation_of_rows(mx.array(self._rows(flat, each)))
        worth = np.array(self._copy.worth(latent, mx.array(known.reshape(len(flat), -1))))
        next_state = self._rules.states.next_state
        paid = self._paid(flat, costs)
        choices = (worth[:, next_state] - paid).reshape(*bars.shape, *next_state.shape)
        paid = paid.reshape(choices.shape)
        action, best = choices.argmax(axis=3), choices.max(axis=3)
        state, path = np.arange(len(next_state)), np.arange(len(bars))[:, None]
        best[left == 0] = -self._leaving(bars[left == 0])
        later, target = best[:, -1], np.empty_like(earned)
        for step in reversed(range(bars.shape[1])):
            target[:, step] = earned[:, step] + self._discount * later
            if step:
                taken = action[:, step - 1]
                followed = target[path, step, next_state[state, taken]]
                followed -= paid[path, step - 1, state, taken]
                later = TRACE * followed + (1.0 - TRACE) * best[:, step - 1]
        return target
