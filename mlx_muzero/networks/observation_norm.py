"""Columns of an observation, brought to mean 0 and deviation 1 before any network sees them."""

from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from mlx_muzero.types import F32


class ObservationNorm(nn.Module):
    """Centers and scales each column by what it is in the training data.

    The features of FX are of sizes between 0.1 and 1, and an optimizer whose steps have one size
    learns from the smallest of them last. `mean` and `scale`, ``[F]``, are measured once and are
    not learned; like a batch norm's running statistics they are kept with the weights.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.mean = mx.zeros(features)
        self.scale = mx.ones(features)
        self.freeze(recurse=False)

    def unfreeze(self, *args: Any, **kwargs: Any) -> nn.Module:
        """Nothing: there is nothing to learn."""
        return self

    def __call__(self, observation: mx.array) -> mx.array:
        """[n, W, F] -> [n, W, F]."""
        return (observation - self.mean) * self.scale

    def measure(self, windows: F32) -> None:
        """Take the statistics of the first columns from `windows` ``[n, W, M]``; M <= F.

        The columns behind them, and those that never change, are left as they come.
        """
        rows = windows.reshape(-1, windows.shape[-1]).astype(np.float64)
        deviation = rows.std(axis=0)
        varies = deviation > 1e-6 * np.abs(rows).max(axis=0)
        mean, scale = np.array(self.mean), np.array(self.scale)
        mean[: len(varies)] = np.where(varies, rows.mean(axis=0), 0.0)
        scale[: len(varies)] = 1.0 / np.where(varies, deviation, 1.0)
        self.mean, self.scale = mx.array(mean), mx.array(scale)
