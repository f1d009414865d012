"""The pool of a search's latents, indexed by slot."""

import numpy as np
import numpy.typing as npt

from mlx_muzero.types import F32, I32


class LatentPool:
    """Latents ``f32[capacity, D]``, reused from search to search.

    A NumPy array, because a functional update of an mx.array would copy the whole pool.
    """

    def __init__(self) -> None:
        self._rows: F32 = np.empty((0, 0), np.float32)

    def reset(self, root_latents: npt.ArrayLike, root_slots: I32, capacity: int) -> None:
        """Start a search (see `Evaluator.reset`)."""
        latents = np.asarray(root_latents, np.float32)
        if self._rows.shape[0] < capacity or self._rows.shape[1] != latents.shape[1]:
            self._rows = np.empty((capacity, latents.shape[1]), np.float32)
        self._rows[root_slots] = latents

    def __getitem__(self, slots: I32) -> F32:
        """``f32[n, D]`` copy of the latents in `slots` ``i32[n]``."""
        return self._rows[slots]

    def __setitem__(self, slots: I32, latents: F32) -> None:
        """Store `latents` ``f32[n, D]`` or ``f32[n, C, D]`` in as many `slots`."""
        self._rows[slots] = latents
