"""Dropout whose random numbers are cheap on a CPU, where MLX's take longer than the layers."""

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from mlx_muzero.networks import closed_form

_LEVELS = 1 << 16
"""A unit is kept by 16 random bits; a probability is rounded to that."""


@dataclass(frozen=True)
class Units:
    """The units of a layer, of which some are kept.

    Attributes:
        shape: of the layer's output.
        limit: how many of 65,536 are kept.
    """

    shape: tuple[int, ...]
    limit: int

    @property
    def gain(self) -> float:
        """What those that are kept are multiplied by, so that the mean stays."""
        return _LEVELS / self.limit


class _OfThread(threading.local):
    """Where this thread's units come from."""

    def __init__(self) -> None:
        self.bits = np.random.PCG64(0)
        self.asked: list[Units] | None = None
        self.given: Iterator[mx.array] | None = None


_mine = _OfThread()


def seed_dropout(key: int) -> None:
    """Seed the units that this thread drops from now on, and its generator of MLX."""
    mx.random.seed(key)
    _mine.bits = np.random.PCG64(key)


def drawn(asked: Iterable[Units]) -> list[mx.array]:
    """Draw for each of `asked` what to multiply by: 0 for units that are dropped, else the gain."""
    return [mx.array(_draw(units)) for units in asked]


@contextmanager
def asked_units() -> Iterator[list[Units]]:
    """Note the units that layers draw for meanwhile in this thread, in order."""
    asked = list[Units]()
    _mine.asked = asked
    try:
        yield asked
    finally:
        _mine.asked = None


@contextmanager
def given_units(given: Iterable[mx.array]) -> Iterator[None]:
    """Let layers in this thread take what was `drawn` before instead of drawing, in order."""
    _mine.given = iter(given)
    try:
        yield
    finally:
        _mine.given = None


class Dropout(nn.Dropout):
    """`nn.Dropout`; on a CPU, NumPy draws the units."""

    @property
    def gain(self) -> float:
        """What `kept` units are multiplied by, so that their mean stays."""
        return 1.0 if self._p_1 == 1 else self._units(()).gain

    def _units(self, shape: Sequence[int]) -> Units:
        return Units(tuple(shape), round(self._p_1 * _LEVELS))

    def __call__(self, x: mx.array) -> mx.array:
        """Array of any shape -> the same shape."""
        if self._p_1 == 1 or not self.training or not closed_form.on_cpu():
            return super().__call__(x)
        return x * self.kept(x.shape)

    def kept(self, shape: Sequence[int]) -> mx.array:
        """What to multiply by: 0 for units that are dropped, else `gain`."""
        if self._p_1 == 1:
            return mx.ones(shape)
        if _mine.given is not None:
            return next(_mine.given)
        units = self._units(shape)
        if _mine.asked is not None:
            _mine.asked.append(units)
        return mx.array(_draw(units))


def _draw(units: Units) -> np.ndarray:
    size = math.prod(units.shape)
    bits = _mine.bits.random_raw(-(-size // 4)).view(np.uint16)[:size]
    factor = np.multiply(bits < units.limit, np.float32(units.gain), dtype=np.float32)
    return factor.reshape(units.shape)
