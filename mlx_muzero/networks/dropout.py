"""Dropout whose random numbers are cheap on a CPU, where MLX's take longer than the layers."""

import math
from collections.abc import Sequence

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from mlx_muzero.networks import closed_form

_LEVELS = 1 << 16
"""A unit is kept by 16 random bits; a probability is rounded to that."""

_bits = np.random.PCG64(0)


def seed_dropout(key: int) -> None:
    """Seed the units that are dropped from now on, and MLX's generator in this thread."""
    global _bits
    mx.random.seed(key)
    _bits = np.random.PCG64(key)


class Dropout(nn.Dropout):
    """`nn.Dropout`; on a CPU, NumPy draws the units."""

    @property
    def gain(self) -> float:
        """What `kept` units are multiplied by, so that their mean stays."""
        return 1.0 if self._p_1 == 1 else _LEVELS / self._limit

    @property
    def _limit(self) -> int:
        return round(self._p_1 * _LEVELS)

    def __call__(self, x: mx.array) -> mx.array:
        """Array of any shape -> the same shape."""
        if self._p_1 == 1 or not self.training or not closed_form.on_cpu():
            return super().__call__(x)
        return x * self.kept(x.shape)

    def kept(self, shape: Sequence[int]) -> mx.array:
        """Draw what to multiply by: 0 for units that are dropped, else `gain`."""
        if self._p_1 == 1:
            return mx.ones(shape)
        size = math.prod(shape)
        drawn = _bits.random_raw(-(-size // 4)).view(np.uint16)[:size]
        factor = np.multiply(drawn < self._limit, np.float32(self.gain), dtype=np.float32)
        return mx.array(factor.reshape(shape))
