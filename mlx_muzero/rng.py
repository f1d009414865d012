"""Counter-based random numbers: each is identified by a key, so there is no generator state.

Every random choice is `uniform(key(seed, stream, counters...))`. Two runs agree whatever the batch
size, thread count or number of restarts. The mixer is SplitMix64 (Steele, Lea, Flood 2014), as in
``cpp/search/rng.h``.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from mlx_muzero.types import F64, U64

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Stream(IntEnum):
    """The purpose of a random number; streams of one seed are independent."""

    SESSION = 1
    SEARCH = 2
    ACTION = 3
    BATCH = 4
    EVICT = 5
    DROPOUT = 6
    POLICY = 7


def mix(x: npt.ArrayLike) -> U64:
    """SplitMix64's output function on uint64 values of any shape."""
    with np.errstate(over="ignore"):
        z = np.asarray(x, np.uint64) + _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)), np.uint64)


def key(seed: int, stream: Stream, *counters: npt.ArrayLike) -> U64:
    """Key of `stream` of `seed` at `counters` (non-negative integers, broadcast together)."""
    value = mix(np.uint64(seed & 0xFFFFFFFFFFFFFFFF) ^ mix(np.uint64(stream)))
    for counter in counters:
        value = mix(value ^ mix(np.asarray(counter, np.uint64)))
    return value


def uniform(keys: U64) -> F64:
    """Uniform numbers in [0, 1) with 53 random bits, one per key, same shape."""
    return (mix(keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53
