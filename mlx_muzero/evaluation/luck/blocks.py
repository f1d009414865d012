"""Stationary block bootstrap (Politis and Romano 1994), its block length taken from the data.

Observations are in time order, and those of the same hours are one: a block of random length keeps
what follows what. The length is that of Politis and White (2004) as corrected by Patton, Politis
and White (2009), for the stationary bootstrap.
"""

import math

import numpy as np

from mlx_muzero.types import F64, I64, Bool

RESAMPLES = 1000


def block_length(values: F64) -> float:
    """Mean block length at which the bootstrap of the mean of `values` ``f64[T]`` errs least.

    At least 1; that of values without correlation is close to it.
    """
    count = len(values)
    centered = values - values.mean()
    if count < 4 or not np.any(centered):
        return 1.0
    longest = math.ceil(min(3 * math.sqrt(count), count / 3))
    run = max(5, int(math.log10(count)))  # lags without correlation that end the search
    most = min(math.ceil(math.sqrt(count)) + run, count - 2)
    bound = 2 * math.sqrt(math.log10(count) / count)
    uncorrelated = np.abs(_autocorrelations(centered, most)) < bound
    width = min(2 * _first_of_run(uncorrelated, run), most)
    products = _autocovariances(centered, width)
    lag = np.arange(-width, width + 1)
    share = np.abs(lag) / width
    weight = np.where(share <= 0.5, 1.0, 2.0 * (1.0 - share))
    covariance = products[np.abs(lag)]
    spectrum = float((weight * covariance).sum())
    slope = float((weight * np.abs(lag) * covariance).sum())
    if spectrum == 0.0:
        return 1.0
    best = (2.0 * slope**2 / (2.0 * spectrum**2)) ** (1 / 3) * count ** (1 / 3)
    return float(min(max(best, 1.0), longest))


def _autocovariances(centered: F64, lags: int) -> F64:
    """``f64[lags + 1]``, each over all observations."""
    count = len(centered)
    return np.array([centered[: count - lag] @ centered[lag:] / count for lag in range(lags + 1)])


def _autocorrelations(centered: F64, lags: int) -> F64:
    """``f64[lags]`` of lags 1 and more, each over the observations that it has."""
    found = []
    for lag in range(1, lags + 1):
        early, late = centered[:-lag], centered[lag:]
        size = math.sqrt(float(early @ early) * float(late @ late))
        found.append(float(early @ late) / size if size else 0.0)
    return np.array(found)


def _first_of_run(uncorrelated: Bool, run: int) -> int:
    """The first lag, from 1, of `run` uncorrelated ones in a row; the last lag without any."""
    for lag in range(1, len(uncorrelated) - run + 2):
        if uncorrelated[lag - 1 : lag - 1 + run].all():
            return lag
    return len(uncorrelated)


def stationary_indices(
    count: int, length: float, rng: np.random.Generator, resamples: int = RESAMPLES
) -> I64:
    """Resamples ``i64[R, T]`` of `count` observations in blocks of mean `length`.

    A block begins anywhere and goes on past the end at the beginning.
    """
    start = rng.integers(count, size=(resamples, count))
    begins = rng.random((resamples, count)) < 1.0 / length
    begins[:, 0] = True
    place = np.arange(count)
    last = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    first = np.take_along_axis(start, last, axis=1)
    return np.asarray((first + place - last) % count)


def resampled_means(values: F64, length: float, seed: int = 0) -> F64:
    """Means ``f64[R, ...]`` of resamples of `values` ``f64[T, ...]`` in blocks of mean `length`."""
    indices = stationary_indices(len(values), length, np.random.default_rng(seed))
    return np.asarray(values[indices].mean(axis=1))
