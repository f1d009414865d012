"""Runs of one configuration with several seeds, pooled as a hierarchy.

Seeds of one configuration play the same market, so their results are not independent samples of it:
what is drawn is seeds, and then blocks of time that are the same for all of them (nested bootstrap:
Davison and Hinkley, "Bootstrap Methods and Their Application", 1997, section 3.8).
"""

import numpy as np

from mlx_muzero.evaluation.luck.blocks import block_length, stationary_indices
from mlx_muzero.evaluation.session_groups import Interval, interval
from mlx_muzero.types import F64


def pooled(totals: F64, seed: int = 0) -> tuple[float, Interval]:
    """Mean of what S seeds earned at T times ``f64[S, T]``, and its interval over seeds and times.

    There is no interval with a single time.
    """
    seeds, times = totals.shape
    if times < 2:
        return float(totals.mean()), (None, None)
    rng = np.random.default_rng(seed)
    length = block_length(totals.mean(axis=0))
    drawn = stationary_indices(times, length, rng)
    weights = np.array([np.bincount(index, minlength=times) for index in drawn]) / times
    of_seed = weights @ totals.T
    chosen = rng.integers(seeds, size=(len(drawn), seeds))
    return float(totals.mean()), interval(np.take_along_axis(of_seed, chosen, axis=1).mean(axis=1))
