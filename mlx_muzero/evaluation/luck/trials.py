"""The trials of the ledger side by side: their correlation, and how many they are worth."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from mlx_muzero.evaluation.luck.sharpe import independent_trials
from mlx_muzero.runlog.look import Tried
from mlx_muzero.types import F64

Key = TypeVar("Key", bound=Hashable)

_LEAST_TIMES = 8
"""Fewer common stretches of days say nothing of how trials move together."""


def side_by_side(trials: Sequence[Tried]) -> F64:
    """Totals ``f64[T, N]`` of the trials that cover the same days as most, in time order.

    Empty if no two trials do.
    """
    spans = [(trial.first_day, trial.every, len(trial.totals)) for trial in trials]
    if not spans:
        return np.zeros((0, 0))
    usual = max(sorted(set(spans)), key=spans.count)
    same = [trial.totals for trial, span in zip(trials, spans, strict=True) if span == usual]
    if len(same) < 2 or usual[2] < _LEAST_TIMES:
        return np.zeros((0, 0))
    return np.array(same).T


def end_to_end(parts: Sequence[Mapping[Key, Tried]]) -> dict[Key, Tried]:
    """What was tried in each of `parts`, which follow each other in time, as one trial each.

    What is not in all of them, or is kept by other stretches of days in some, is left out. The
    Sharpe ratio is the mean of the parts'.
    """
    joined = {}
    for key, first in (parts[0] if parts else {}).items():
        own = [part[key] for part in parts if key in part]
        if len(own) < len(parts) or any(each.every != first.every for each in own):
            continue
        observations = sum(each.observations for each in own)
        joined[key] = Tried(
            observations,
            sum(each.mean * each.observations for each in own) / max(observations, 1),
            sum(each.sharpe for each in own) / len(own),
            first.first_day,
            first.every,
            tuple(total for each in own for total in each.totals),
        )
    return joined


def mean_correlation(totals: F64) -> float:
    """Mean correlation of the N columns of ``f64[T, N]`` with each other; 0 for fewer than two.

    A column that never varies, as of a trial that stayed flat, is correlated with none.
    """
    trials = totals.shape[1]
    if trials < 2:
        return 0.0
    centered = totals - totals.mean(axis=0)
    size = np.sqrt(np.square(centered).sum(axis=0))
    unit = np.divide(centered, size, out=np.zeros_like(centered), where=size > 0.0)
    both = unit.T @ unit
    return float((both.sum() - np.trace(both)) / (trials * (trials - 1)))


def worth(tried: int, trials: Sequence[Tried]) -> float:
    """How many independent trials `tried` are worth, of which some are known with their course.

    Those of which nothing is known count as independent of all others.
    """
    totals = side_by_side(trials)
    known = totals.shape[1]
    if known < 2:
        return float(max(tried, 1))
    return independent_trials(known, mean_correlation(totals)) + max(tried - known, 0)
