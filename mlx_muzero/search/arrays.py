"""Converts a caller's arrays to what the core accepts, or raises an error that says why not."""

import numpy as np
import numpy.typing as npt

from mlx_muzero.errors import SearchError
from mlx_muzero.types import F32, I32, U64


def floats(name: str, values: npt.ArrayLike) -> F32:
    """`values` as contiguous float32; copied only if necessary.

    Raises:
        SearchError: they are not numbers.
    """
    try:
        return np.ascontiguousarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise SearchError(f"{name} must hold numbers: {error}") from error


def int32s(name: str, values: npt.ArrayLike) -> I32:
    """`values` as contiguous int32.

    Raises:
        SearchError: they are not integers, or out of range.
    """
    return np.ascontiguousarray(_integers(name, values, np.iinfo(np.int32)), dtype=np.int32)


def uint64s(name: str, values: npt.ArrayLike) -> U64:
    """`values` as contiguous uint64.

    Raises:
        SearchError: they are not integers, or out of range.
    """
    return np.ascontiguousarray(_integers(name, values, np.iinfo(np.uint64)), dtype=np.uint64)


def _integers(
    name: str, values: npt.ArrayLike, limits: "np.iinfo[np.signedinteger | np.unsignedinteger]"
) -> npt.NDArray[np.integer]:
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.integer):
        raise SearchError(f"{name} must hold integers, got {array.dtype}")
    if array.size and not limits.min <= int(array.min()) <= int(array.max()) <= limits.max:
        raise SearchError(f"{name} must lie in {limits.min} .. {limits.max}")
    return array
