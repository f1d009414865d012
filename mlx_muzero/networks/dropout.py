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


@dataclass(frozen=True, eq=False)
class _Ahead:
    """What was drawn of the bits of `key` for `asked`, and the `bits` that are left."""

    key: int
    asked: list[Units]
    kept: list[mx.array]
    bits: np.random.PCG64


class _OfThread(threading.local):
    """Where this thread's units come from."""

    def __init__(self) -> None:
        self.bits = np.random.PCG64(0)
        self.key: int | None = None  # of `bits`, while none of them were drawn
        self.ahead: _Ahead | None = None
        self.asked: list[Units] | None = None
        self.given: Iterator[mx.array] | None = None


_mine = _OfThread()


def seed_dropout(key: int) -> None:
    """Seed the units that this thread drops from now on, and its generator of MLX."""
    mx.random.seed(key)
    _mine.bits, _mine.key = np.random.PCG64(key), key


def drawn(asked: list[Units]) -> list[mx.array]:
    """Draw for each of `asked` what to multiply by: 0 for units that are dropped, else the gain."""
    ahead, _mine.ahead = _mine.ahead, None
    if ahead is not None and (ahead.key, ahead.asked) == (_mine.key, asked):
        _mine.bits, _mine.key = ahead.bits, None
        return ahead.kept
    return [_drawn(units, _own_bits()) for units in asked]


def draw_ahead(key: int, asked: list[Units]) -> None:
    """Draw what `drawn` will find if it is called next, after `seed_dropout(key)`."""
    bits = np.random.PCG64(key)
    _mine.ahead = _Ahead(key, asked, [_drawn(units, bits) for units in asked], bits)


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
        return _drawn(units, _own_bits())


def _own_bits() -> np.random.PCG64:
    """This thread's bits, to draw from."""
    _mine.key = None
    return _mine.bits


def _drawn(units: Units, bits: np.random.PCG64) -> mx.array:
    size = math.prod(units.shape)
    levels = bits.random_raw(-(-size // 4)).view(np.uint16)[:size]
    factor = np.multiply(levels < units.limit, np.float32(units.gain), dtype=np.float32)
    return mx.array(factor.reshape(units.shape))
