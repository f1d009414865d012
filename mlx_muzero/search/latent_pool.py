"""The latents of a search, in rows named by slot."""

import numpy as np
import numpy.typing as npt

from mlx_muzero.types import F32, I32


class LatentPool:
    """Rows of float32 latents [capacity, D], kept from search to search.

    A NumPy array: rows are gathered and stored without the copy of the whole pool that a
    functional update of an mx.array makes.
    """

    def __init__(self) -> None:
        self._rows: F32 = np.empty((0, 0), np.float32)

    def reset(self, root_latents: npt.ArrayLike, root_slots: I32, capacity: int) -> None:
        """Starts a search (see `Evaluator.reset`)."""
        latents = np.asarray(root_latents, np.float32)
        if self._rows.shape[0] < capacity or self._rows.shape[1] != latents.shape[1]:
            self._rows = np.empty((capacity, latents.shape[1]), np.float32)
        self._rows[root_slots] = latents

    def __getitem__(self, slots: I32) -> F32:
        """[n, D] latents of `slots` [n], a copy."""
        return self._rows[slots]

    def __setitem__(self, slots: I32, latents: F32) -> None:
        """Stores `latents` [n, D] or [n, C, D] in `slots` of the same leading shape."""
        self._rows[slots] = latents
