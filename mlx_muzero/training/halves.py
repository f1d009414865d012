"""A training step's losses and gradient by halves of its batch, each in a thread of its own.

`collect.ahead` has them computed so on a CPU: at the same time where two cores are free. What they
come to is added in their order, so the weights are the same on any number of cores. Batch norm
takes out each half's own statistics, and its running ones follow the mean of both.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import wait
from functools import partial, reduce
from typing import NamedTuple

import mlx.core as mx

from mlx_muzero.networks.dropout import seed_dropout
from mlx_muzero.training.model_parts import ModelParts
from mlx_muzero.training.objectives import AnyBatch, Objective
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.targets import Batch
from mlx_muzero.training.threads import Worker

Figures = dict[str, mx.array]
"""Losses, gradient and what else is told of a step, by name."""

HALVES = 2

_SHARES = frozenset({"overflow_frac"})
"""Figures that are shares of the rows; all others add up."""


class _Half(NamedTuple):
    figures: Figures
    statistics: list[mx.array]


class Halves:
    """Computes `gradient` of both halves of a batch.

    Args:
        parts: those of the model that `gradient` is of.
        objectives: make the arrays of each half.
        gradient: maps these arrays to figures, at the model's parameters, which it may replace.
    """

    def __init__(
        self,
        parts: ModelParts,
        objectives: Sequence[Objective],
        gradient: Callable[..., Figures],
    ) -> None:
        self._parts, self._objectives, self._gradient = parts, objectives, gradient
        self._making = threading.Lock()
        self._worker, self._alone = Worker(), Ranks()

    def __call__(self, batch: AnyBatch, keys: Sequence[int]) -> Figures:
        """The figures of the whole batch, evaluated.

        Args:
            batch: what to learn from.
            keys: seeds of each half's dropout.
        """
        parameters, statistics = self._parts.parameters(), self._parts.statistics()
        mx.eval(parameters, statistics)  # before another thread needs them
        assert isinstance(batch, Batch), "only batches of played episodes have halves"
        halves = batch.split(HALVES)
        works = list[Callable[[], _Half]]()
        for half, objective, key in zip(halves, self._objectives, keys, strict=False):
            objective.refresh()
            arrays = partial(objective.arrays, half, self._alone, whole=batch)
            works.append(partial(self._half, arrays, key, parameters, statistics))
        later = [self._worker.submit(work) for work in works[1:]]
        try:
            found = [works[0]()]
        finally:
            wait(later)
            self._parts.put(parameters)
            self._parts.put_statistics(statistics)
        found += [half.result() for half in later]
        shares = [len(half) / len(batch) for half in halves]
        norms = zip(*(half.statistics for half in found), strict=True)
        self._parts.put_statistics(_mean(arrays, shares) for arrays in norms)
        return {
            name: _mean(arrays, shares) if name in _SHARES else _sum(arrays)
            for name in found[0].figures
            for arrays in [[half.figures[name] for half in found]]
        }

    def _half(
        self,
        make: Callable[[], tuple[mx.array, ...]],
        key: int,
        parameters: list[mx.array],
        statistics: list[mx.array],
    ) -> _Half:
        seed_dropout(key)
        arrays = make()
        with self._making:  # there is one model for both
            self._parts.put(parameters)
            self._parts.put_statistics(statistics)
            figures = self._gradient(*arrays)
            found = _Half(figures, self._parts.statistics())
        mx.eval(found)
        return found


def _sum(arrays: Iterable[mx.array]) -> mx.array:
    return reduce(mx.add, arrays)


def _mean(arrays: Iterable[mx.array], shares: Sequence[float]) -> mx.array:
    return _sum(share * array for share, array in zip(shares, arrays, strict=True))
