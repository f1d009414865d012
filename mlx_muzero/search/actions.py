"""From visit counts to an action."""

import numpy as np
import numpy.typing as npt

from mlx_muzero.rng import uniform
from mlx_muzero.search.arrays import int32s, uint64s
from mlx_muzero.types import I32, U64


def sample_actions(visits: I32, temperature: npt.ArrayLike, keys: U64) -> I32:
    """Draws an action with probability proportional to ``visits ** (1 / temperature)``.

    Args:
        visits: [B, A] int32, root visits; every row has a visited action.
        temperature: one for all roots or [B]; 0 takes the most visited action (the first on ties).
        keys: [B] uint64, one random number's key per root (`mlx_muzero.rng.key`).

    Returns:
        [B] int32 actions, never an unvisited one.

    Raises:
        ValueError: a negative temperature, a row without visits, or shapes that do not fit.
    """
    counts, row_keys = int32s("visits", visits), uint64s("keys", keys)
    if counts.ndim != 2 or row_keys.shape != counts.shape[:1]:
        raise ValueError(f"visits {counts.shape} and keys {row_keys.shape} must be [B, A] and [B]")
    if (counts < 0).any() or not (counts > 0).any(axis=1).all():
        raise ValueError("every row of visits needs a visited action and no negative count")
    heat = np.broadcast_to(np.asarray(temperature, np.float64), row_keys.shape)[:, None]
    if not (heat >= 0.0).all():
        raise ValueError(f"temperature must not be negative, got {heat.min()}")
    # Relative to the row's largest count, so that no power over- or underflows in the top action.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        log_share = np.log(counts) - np.log(counts.max(axis=1, keepdims=True))
        cumulative = np.exp(log_share / heat).cumsum(axis=1)
    target = uniform(row_keys)[:, None] * cumulative[:, -1:]
    drawn = (cumulative > target).argmax(axis=1)
    return np.where(heat[:, 0] == 0.0, counts.argmax(axis=1), drawn).astype(np.int32)
