"""Rejected rows, and how many of them a file may have.

A truncated download or a hand-edited line accounts for a few; more means a broken file or another
format.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlx_muzero.market.importers.fields import Fields, Lines, count_fields
from mlx_muzero.types import I64, Bool

KEPT = 1000
"""Number of rejected rows kept with line and reason; all are counted."""
EXAMPLES = 5
"""Number of rejected rows shown in a refusal."""


@dataclass(frozen=True)
class Rejected:
    """A rejected row: its 1-based line (or table row), the reason, and its text."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class RejectedRows:
    """Rejected rows: their number, and the first of them by line."""

    count: int = 0
    first: tuple[Rejected, ...] = ()

    def __add__(self, other: "RejectedRows") -> "RejectedRows":
        first = sorted((*self.first, *other.first), key=lambda row: row.line)
        return RejectedRows(self.count + other.count, tuple(first[:KEPT]))


NO_ROWS = RejectedRows()


@dataclass(frozen=True)
class Allowance:
    """How many rows of a file may be rejected.

    Attributes:
        frac: maximum share of the rows.
        few: alternatively, this many, if at most `few_frac` of the rows.
        few_frac: maximum share of a small file's rows.
    """

    frac: float
    few: int = 0
    few_frac: float = 0.0

    def fault(self, rejected: RejectedRows, rows: int, left: int = 0) -> str | None:
        """Why a file has too many rejected rows; None if it does not.

        Args:
            rejected: the rejected rows.
            rows: number of rows so far, including rejected ones.
            left: maximum number of rows still to come.
        """
        whole = rows + left
        if rejected.count <= max(self.frac * whole, min(self.few, self.few_frac * whole)):
            return None
        of = f"the first {rows:,}" if left else f"{rows:,}"
        way_on = "; --skip-bad-rows imports the others" if rejected.count < rows else ""
        return (
            f"{rejected.count:,} of {of} rows are malformed or impossible"
            f"{examples(rejected.first)}{way_on}"
        )


FEW = Allowance(0.01, 10, 0.05)
"""For dense data: bars, trades, five-minute samples."""
NONE = Allowance(0.0)
"""For values that stay valid for hours or months: settlements, macro figures."""
ANY = Allowance(1.0)
"""For imports in which the user skips bad rows."""


class RowFilter:
    """Marks rows as bad, keeping the first reason for each.

    Args:
        lines: ``i64[T]`` 1-based line or row numbers.
    """

    def __init__(self, lines: I64) -> None:
        self._lines = lines
        self._reasons: list[str] = []
        # Index of a row's reason, -1 for a good row.
        self._reason = np.full(len(lines), -1, np.int16)

    def reject(self, bad: Bool, reason: str) -> None:
        """Mark the rows where `bad` ``bool[T]`` is true."""
        self._reason[bad & self.good] = len(self._reasons)
        self._reasons.append(reason)

    @property
    def good(self) -> Bool:
        """``bool[T]`` rows without a mark."""
        return self._reason < 0

    def rejected(self, text_of: Callable[[int], str]) -> RejectedRows:
        """The marked rows; `text_of` returns the text of a row."""
        bad = np.flatnonzero(~self.good)
        first = tuple(
            Rejected(int(self._lines[row]), self._reasons[self._reason[row]], text_of(row))
            for row in bad[:KEPT].tolist()
        )
        return RejectedRows(len(bad), first)


def cut_rows(lines: Lines, delimiter: bytes, wanted: int) -> tuple[Fields, RejectedRows]:
    """Lines with `wanted` fields, split at the delimiter, and the rejected others."""
    counts = count_fields(lines, delimiter)
    rows = RowFilter(lines.number)
    for count in np.unique(counts[counts != wanted]).tolist():
        rows.reject(counts == count, f"{count} fields, expected {wanted}")
    return Fields.cut(lines.take(rows.good), delimiter, wanted), rows.rejected(lines.text)


def examples(rows: tuple[Rejected, ...]) -> str:
    """The first of `rows` in parentheses, each reason once, for a refusal; empty if none."""
    shown, seen = [], set[str]()
    for row in rows[:EXAMPLES]:
        why = ", likewise" if row.reason in seen else f": {row.reason}"
        shown.append(f"line {row.line}{why}: {row.text}")
        seen.add(row.reason)
    return f" ({'; '.join(shown)})" if shown else ""
