"""Converts results to data frames of pandas or polars, whichever is installed."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

import numpy as np

from mlx_muzero.errors import MuZeroError

FrameLibrary: TypeAlias = Literal["pandas", "polars"]

Column: TypeAlias = Sequence[Any] | np.ndarray
"""One value per row."""

_LIBRARIES: tuple[FrameLibrary, ...] = ("pandas", "polars")


def frame_of(columns: Mapping[str, Column], library: FrameLibrary | None = None) -> Any:
    """A data frame of `columns`, all of the same length.

    Args:
        columns: the columns by name, in order.
        library: the library; None for pandas, or polars if only that is installed.

    Raises:
        MuZeroError: the library is not installed, or neither is.
    """
    wanted = _LIBRARIES if library is None else (library,)
    found = [name for name in wanted if find_spec(name) is not None]
    if not found:
        raise MuZeroError(
            f"a data frame needs {' or '.join(wanted)}, not installed: pip install {wanted[0]}"
        )
    return import_module(found[0]).DataFrame(dict(columns))


def frame_of_rows(
    index: str, rows: Mapping[str, Mapping[str, Any]], library: FrameLibrary | None = None
) -> Any:
    """A data frame with one row for each of `rows`, their names in the column `index`.

    All rows have the same columns. Raises as `frame_of`.
    """
    names = list(next(iter(rows.values()), {}))
    columns = {name: [row[name] for row in rows.values()] for name in names}
    return frame_of({index: list(rows), **columns}, library)
