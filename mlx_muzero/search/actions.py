"""Samples actions from visit counts."""

import numpy as np
import numpy.typing as npt

from mlx_muzero.rng import uniform
from mlx_muzero.search.arrays import int32s, uint64s
from mlx_muzero.types import I32, U64


def sample_actions(visits: I32, temperature: npt.ArrayLike, keys: U64) -> I32:
    """Sample actions with probability proportional to ``visits ** (1 / temperature)``.

    Args:
        visits: ``i32[B, A]`` root visits; every row has a visited action.
        temperature: a scalar, or ``f64[B]``; 0 takes the most visited action (the first on ties).
        keys: ``u64[B]`` the random number's key for each root (`mlx_muzero.rng.key`).

    Returns:
        ``i32[B]`` actions; an unvisited action is never chosen.

    Raises:
        ValueError: a negative temperature, a row without visits, or mismatched shapes.
    """
    counts, row_keys = int32s("visits", visits), uint64s("keys", keys)
    if counts.ndim != 2 or row_keys.shape != counts.shape[:1]:
        raise ValueError(f"visits {counts.shape} and keys {row_keys.shape} must be [B, A] and [B]")
    if (counts < 0).any() or not (counts > 0).any(axis=1).all():
        raise ValueError("every row of visits needs a visited action and no negative count")
    heat = np.broadcast_to(np.asarray(temperature, np.float64), row_keys.shape)[:, None]
    if not (heat >= 0.0).all():
        raise ValueError(f"temperature must not be negative, got {heat.min()}")
    # Relative to the row's largest count, so that the top action neither over- nor underflows.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        log_share = np.log(counts) - np.log(counts.max(axis=1, keepdims=True))
        cumulative = np.exp(log_share / heat).cumsum(axis=1)
    target = uniform(row_keys)[:, None] * cumulative[:, -1:]
    drawn = (cumulative > target).argmax(axis=1)
    return np.where(heat[:, 0] == 0.0, counts.argmax(axis=1), drawn).astype(np.int32)
