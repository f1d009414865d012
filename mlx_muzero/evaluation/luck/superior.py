"""Whether the best of several policies beats a benchmark by more than luck (Hansen 2005).

The test of superior predictive ability: P. R. Hansen, Journal of Business & Economic Statistics
23(4), with his kernel estimate of variances and his "consistent" recentering, under which policies
that are clearly bad do not widen what luck could do.
"""

import math

import numpy as np

from mlx_muzero.evaluation.luck.blocks import RESAMPLES, block_length, stationary_indices
from mlx_muzero.types import F64


def superior_p(beyond: F64, seed: int = 0, length: float | None = None) -> float:
    """Probability that chance makes the best of K policies this much better than the benchmark.

    Args:
        beyond: ``f64[T, K]`` what each policy earned beyond the benchmark, in time order.
        seed: seed of the bootstrap.
        length: mean length of its blocks; None for the largest that a policy's results ask for.
    """
    varying = np.ptp(beyond, axis=0) > 0.0
    beyond = beyond[:, varying]
    count, policies = beyond.shape
    if not policies or count < 2:
        return 1.0
    if length is None:
        length = max(block_length(column) for column in beyond.T)
    mean = beyond.mean(axis=0)
    deviation = np.sqrt(_long_run_variance(beyond - mean, length))
    scaled = math.sqrt(count) * mean / deviation
    # A policy this far below the benchmark is bad, not unlucky (law of the iterated logarithm).
    threshold = -math.sqrt(2.0 * math.log(max(math.log(count), 1.0 + 1e-12)))
    center = np.where(scaled >= threshold, mean, 0.0)
    statistic = max(float(scaled.max()), 0.0)
    indices = stationary_indices(count, length, np.random.default_rng(seed))
    drawn = np.array([beyond[index].mean(axis=0) for index in indices]) - center
    luck = np.maximum((math.sqrt(count) * drawn / deviation).max(axis=1), 0.0)
    return float((1 + (luck >= statistic).sum()) / (1 + RESAMPLES))


def _long_run_variance(centered: F64, length: float) -> F64:
    """``f64[K]`` variance of the root of T times the mean, under the stationary bootstrap."""
    count = len(centered)
    chance = 1.0 / length
    variance = np.square(centered).mean(axis=0)
    for lag in range(1, count):
        share = lag / count
        weight = (1 - share) * (1 - chance) ** lag + share * (1 - chance) ** (count - lag)
        if weight < 1e-12 and lag < count // 2:
            continue
        variance += 2.0 * weight * (centered[:-lag] * centered[lag:]).sum(axis=0) / count
    return np.asarray(np.maximum(variance, 1e-300))
