"""The bars of one answer as columns, for requests of many bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mlx_muzero.types import F64, I64, Bool
from mlx_muzero.venues.candle import number

UNREAD_NS = -1
"""Represents a time that cannot be read."""
_LATEST_MS = (2**63 - 1) // 1_000_000


@dataclass(frozen=True, eq=False)
class Page:
    """Minutes as a venue sends them, ordered by open: possibly impossible, repeated or unfinished.

    Attributes:
        open_time_ns: ``i64[n]`` UTC, not decreasing; `UNREAD_NS` if unreadable.
        columns: ``f64[n]`` by store column: open, high, low, close, volume, and others that the
            venue has; NaN if unknown.
    """

    open_time_ns: I64
    columns: Mapping[str, F64]

    @classmethod
    def of(cls, open_time_ns: I64, columns: Mapping[str, F64]) -> Self:
        """Make a page from bars in any order."""
        order = np.argsort(open_time_ns, kind="stable")
        return cls(open_time_ns[order], {name: c[order] for name, c in columns.items()})

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[Any]], names: Sequence[str]) -> Self:
        """Make a page from rows of milliseconds and values, whose `names` are in order."""
        table = _table(rows, 1 + len(names))
        time_ms = table[:, 0]
        readable = (time_ms >= 0) & (time_ms <= _LATEST_MS) & (time_ms % 1 == 0)
        time_ns = np.where(readable, time_ms, 0).astype(np.int64) * 1_000_000
        time_ns[~readable] = UNREAD_NS
        return cls.of(time_ns, {name: table[:, i + 1] for i, name in enumerate(names)})

    @classmethod
    def join(cls, pages: Sequence["Page"]) -> Self:
        """Join `pages`; those that have bars must have the same columns."""
        pages = [page for page in pages if len(page)]
        if not pages:
            return cls(NO_BARS.open_time_ns, {})
        names = pages[0].columns
        return cls.of(
            np.concatenate([page.open_time_ns for page in pages]),
            {name: np.concatenate([page.columns[name] for page in pages]) for name in names},
        )

    def __len__(self) -> int:
        """Number of bars (n)."""
        return len(self.open_time_ns)

    def where(self, wanted: Bool) -> "Page":
        """The bars for which `wanted` (``bool[n]``) holds."""
        columns = {name: column[wanted] for name, column in self.columns.items()}
        return Page(self.open_time_ns[wanted], columns)

    def within(self, start_ns: int, end_ns: int) -> "Page":
        """The bars that open in [start_ns, end_ns)."""
        return self.where((self.open_time_ns >= start_ns) & (self.open_time_ns < end_ns))


NO_BARS = Page(np.empty(0, np.int64), {})
"""An answer without a bar."""


def _table(rows: Sequence[Sequence[Any]], width: int) -> F64:
    """Convert rows to numbers ``f64[n, width]``; NaN for what is missing or not a number."""
    if not rows:
        return np.empty((0, width))
    try:
        table = np.array(rows, np.float64)
        if table.ndim == 2 and table.shape[1] >= width:
            return table
    except (TypeError, ValueError, OverflowError):
        pass
    cells = [[number(cell) for cell in [*row, *[None] * width][:width]] for row in rows]
    return np.array(cells, np.float64)
