"""Normalizes the columns of an observation to mean 0 and deviation 1."""

from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from mlx_muzero.types import F32


class ObservationNorm(nn.Module):
    """Centers and scales each column by its statistics in the training data.

    FX's features range in size from 0.1 to 1, and an optimizer with one step size learns from the
    smallest last. `mean` and `scale`, ``f32[F]``, are measured once and not learned; like a batch
    norm's running statistics they are stored with the weights.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.mean = mx.zeros(features)
        self.scale = mx.ones(features)
        self.freeze(recurse=False)

    def unfreeze(self, *args: Any, **kwargs: Any) -> nn.Module:
        """Does nothing: there is nothing to learn."""
        return self

    def __call__(self, observation: mx.array, column: mx.array | None = None) -> mx.array:
        """Normalize ``f32[..., F]``, or ``f32[..., R]`` of the columns ``i32[R]``."""
        if column is None:
            return (observation - self.mean) * self.scale
        return (observation - self.mean[column]) * self.scale[column]

    def measure(self, windows: F32) -> None:
        """Measure the statistics of the first M columns from `windows` ``f32[n, W, M]``; M <= F.

        The remaining columns, and those that never change, stay unscaled.
        """
        rows = windows.reshape(-1, windows.shape[-1]).astype(np.float64)
        deviation = rows.std(axis=0)
        varies = deviation > 1e-6 * np.abs(rows).max(axis=0)
        mean, scale = np.array(self.mean), np.array(self.scale)
        mean[: len(varies)] = np.where(varies, rows.mean(axis=0), 0.0)
        scale[: len(varies)] = 1.0 / np.where(varies, deviation, 1.0)
        self.mean, self.scale = mx.array(mean), mx.array(scale)
