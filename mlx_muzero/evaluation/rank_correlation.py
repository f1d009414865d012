"""Spearman's rank correlation."""

import numpy as np

from mlx_muzero.types import F64


def ranks(values: F64) -> F64:
    """Ranks ``f64[n]`` of `values` ``f64[n]``, from 0; equal values share their mean rank."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts + 1) / 2.0)[which])


def spearman(one: F64, other: F64) -> float | None:
    """Correlation of the ranks of `one` and `other` ``f64[n]``; None if either is constant."""
    return pearson(ranks(one), ranks(other))


def pearson(one: F64, other: F64) -> float | None:
    """Correlation of `one` and `other` ``f64[n]``; None if either is constant."""
    x, y = one - one.mean(), other - other.mean()
    size = float(np.sqrt(np.square(x).sum() * np.square(y).sum()))
    return float((x * y).sum()) / size if size > 0.0 else None
