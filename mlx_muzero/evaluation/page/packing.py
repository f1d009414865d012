"""Arrays inside a page: typed, delta-coded where that helps, deflated together, as base64.

What a column contributes to the page's JSON is where it lies in the block and how to read it; the
other half of this module is ``assets/packed.js``.
"""

import base64
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64

_LEVEL = 6
_ALIGNED = 8
"""A typed array of JavaScript begins at a multiple of its elements' size."""

_MOST_SCALED = 1e7
"""Prices are kept as whole numbers below this: seven digits."""


class Packed:
    """A block of arrays, filled one by one."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def ints(self, values: npt.ArrayLike, *, delta: bool = False) -> dict[str, Any]:
        """Add whole numbers of 32 bits; with `delta`, as differences to the one before.

        Raises:
            OverflowError: a number, or a difference, has more bits.
        """
        whole = np.asarray(values, np.int64).ravel()
        stored = np.diff(whole, prepend=0) if delta else whole
        span = np.iinfo(np.int32)
        if len(stored) and (stored.min() < span.min or stored.max() > span.max):
            raise OverflowError(f"{stored.min()} to {stored.max()} does not fit into 32 bits")
        return self._added(stored.astype("<i4"), "i32") | ({"delta": True} if delta else {})

    def small(self, values: npt.ArrayLike) -> dict[str, Any]:
        """Add whole numbers of 8 bits."""
        return self._added(np.asarray(values, "<i1").ravel(), "i8")

    def floats(self, values: npt.ArrayLike) -> dict[str, Any]:
        """Add numbers as float32; NaN stays."""
        return self._added(np.asarray(values, "<f4").ravel(), "f32")

    def minutes(self, time_ns: I64) -> dict[str, Any]:
        """Add UTC times, to the minute."""
        return self.ints(np.asarray(time_ns) // MINUTE_NS, delta=True)

    def text(self) -> str:
        """The whole block as base64."""
        return base64.b64encode(zlib.compress(b"".join(self._parts), _LEVEL)).decode()

    def _added(self, values: npt.NDArray[Any], kind: str) -> dict[str, Any]:
        place, data = self._length, values.tobytes()
        padding = -len(data) % _ALIGNED
        self._parts.append(data + bytes(padding))
        self._length += len(data) + padding
        return {"type": kind, "at": place, "count": len(values)}


def price_digits(values: F64) -> int:
    """Decimal digits with which prices fit into seven digits, at most ten."""
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest == 0.0:
        return 0
    return int(np.clip(np.floor(np.log10(_MOST_SCALED / largest)), 0, 10))
