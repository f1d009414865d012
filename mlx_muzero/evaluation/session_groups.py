"""Groups sessions that overlap in time: several pairs at the same hours are one observation.

Their prices move together, so whole groups are resampled, never single sessions. A trader of all of
them has one account, so their equity is summed before its course is judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.types import F64, I64

RESAMPLES = 1000
_INTERVAL = (2.5, 97.5)
_BLOCK = 2**16  # sessions drawn at a time, so that a block stays in the processor's cache

Interval = tuple[float, float] | tuple[None, None]
"""Both ends; None if there is nothing to resample."""


@dataclass(frozen=True, eq=False)
class SessionGroups:
    """Which of n sessions belong together.

    Attributes:
        group: ``i64[n]`` each session's group, numbered from 0 without gaps, in time order.
    """

    group: I64

    @classmethod
    def of_spans(cls, first_ns: I64, last_ns: I64) -> Self:
        """Group sessions from `first_ns` to `last_ns` ``i64[n]`` with all they overlap.

        A session that begins exactly when another ends does not overlap it.
        """
        order = np.argsort(first_ns, kind="stable")
        reach = np.maximum.accumulate(last_ns[order])
        apart = np.concatenate([[False], first_ns[order][1:] >= reach[:-1]])
        group = np.empty(len(first_ns), np.int64)
        group[order] = np.cumsum(apart)
        return cls(group)

    @classmethod
    def of_sessions(cls, dataset: MarketDataset, starts: I64) -> Self:
        """Group the sessions of `dataset` at `starts` ``i64[n]``."""
        return cls.of_spans(*dataset.session_spans(starts))

    @classmethod
    def apart(cls, sessions: int) -> Self:
        """`sessions` sessions that follow one another, each a group."""
        return cls(np.arange(sessions))

    @cached_property
    def sizes(self) -> I64:
        """``i64[G]`` number of sessions in each group."""
        return np.bincount(self.group)

    def totals(self, values: F64) -> F64:
        """Sums ``f64[G, ...]`` over the sessions of each group of `values` ``f64[n, ...]``."""
        summed: F64 = np.zeros((len(self.sizes), *values.shape[1:]))
        np.add.at(summed, self.group, values)
        return summed

    def resamples(self, seed: int = 0, count: int = RESAMPLES) -> Iterator[I64]:
        """Yield `count` resamples, each of G whole groups drawn with replacement.

        They come as blocks ``i64[r, m]`` of sessions: r resamples of m sessions each. Yields
        nothing if all sessions are in one group.
        """
        groups = len(self.sizes)
        if groups < 2:
            return
        order = np.argsort(self.group, kind="stable")
        rng = np.random.default_rng(seed)
        if (self.sizes == self.sizes[0]).all():
            members = order.reshape(groups, -1)
            step = max(1, _BLOCK // len(order))
            for block in range(0, count, step):
                drawn = rng.integers(groups, size=(min(step, count - block), groups))
                yield members[drawn].reshape(len(drawn), -1)
            return
        first = np.cumsum(self.sizes) - self.sizes
        for _ in range(count):
            drawn = rng.integers(groups, size=groups)
            sizes = self.sizes[drawn]
            within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            yield order[np.repeat(first[drawn], sizes) + within][None]

    def resampled_means(self, values: F64, seed: int = 0) -> F64:
        """Means ``f64[R, ...]`` over the sessions of each resample of `values` ``f64[n, ...]``."""
        none = values[:0]
        means = (values[sessions].mean(axis=1) for sessions in self.resamples(seed))
        return np.concatenate([none, *means])

    def standard_error(self, values: F64) -> float:
        """Standard error of the mean of `values` ``f64[n]`` over independent groups; 0 for one."""
        groups = len(self.sizes)
        if groups < 2:
            return 0.0
        residuals = self.totals(values - values.mean())
        return float(np.sqrt(groups / (groups - 1) * np.square(residuals).sum()) / len(values))


def interval(resampled: F64) -> Interval:
    """95 % percentile interval of a statistic's resampled values ``f64[R]``."""
    if not len(resampled):
        return None, None
    low, high = np.percentile(resampled, _INTERVAL)
    return float(low), float(high)
