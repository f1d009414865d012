"""Rows that are left out, and how many of them a file may have.

A truncated download or a hand-edited line is a few rows; more is a broken file, or another format.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlx_muzero.market.importers.fields import Fields, Lines, count_fields
from mlx_muzero.types import I64, Bool

KEPT = 1000
"""Rows left out that are kept with line and reason; all are counted."""
EXAMPLES = 5
"""Rows that a refusal shows."""


@dataclass(frozen=True)
class Rejected:
    """A row that was left out: its 1-based line (row, for a table), why, and how it reads."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class RejectedRows:
    """Rows that were left out: how many, and the first of them by line."""

    count: int = 0
    first: tuple[Rejected, ...] = ()

    def __add__(self, other: "RejectedRows") -> "RejectedRows":
        first = sorted((*self.first, *other.first), key=lambda row: row.line)
        return RejectedRows(self.count + other.count, tuple(first[:KEPT]))


NO_ROWS = RejectedRows()


@dataclass(frozen=True)
class Allowance:
    """How many rows of a file may be left out.

    Attributes:
        frac: this share of them.
        few: or this many, if they are no more than `few_frac` of them.
        few_frac: share of a small file's rows.
    """

    frac: float
    few: int = 0
    few_frac: float = 0.0

    def fault(self, rejected: RejectedRows, rows: int, left: int = 0) -> str | None:
        """Why a file has too many of them; None if it has not.

        Args:
            rejected: rows that were left out.
            rows: rows of the file so far, those included.
            left: how many more it may have.
        """
        whole = rows + left
        if rejected.count <= max(self.frac * whole, min(self.few, self.few_frac * whole)):
            return None
        of = f"the first {rows:,}" if left else f"{rows:,}"
        way_on = "; --skip-bad-rows takes the others" if rejected.count < rows else ""
        return (
            f"{rejected.count:,} of {of} rows are malformed or impossible"
            f"{examples(rejected.first)}{way_on}"
        )


FEW = Allowance(0.01, 10, 0.05)
"""What many rows stand for one thing: bars, trades, what is taken every five minutes."""
NONE = Allowance(0.0)
"""What is read for hours or months: a settlement, a figure."""
ANY = Allowance(1.0)
"""What the user asks for."""


class RowFilter:
    """Marks rows as bad, keeping the first reason of each.

    Args:
        lines: ``i64[T]`` 1-based line or row numbers.
    """

    def __init__(self, lines: I64) -> None:
        self._lines = lines
        self._reasons: list[str] = []
        # The place of a row's reason, -1 for a good one.
        self._reason = np.full(len(lines), -1, np.int16)

    def reject(self, bad: Bool, reason: str) -> None:
        """Mark the rows where `bad` (``bool[T]``) holds."""
        self._reason[bad & self.good] = len(self._reasons)
        self._reasons.append(reason)

    @property
    def good(self) -> Bool:
        """Rows without a mark: ``bool[T]``."""
        return self._reason < 0

    def rejected(self, text_of: Callable[[int], str]) -> RejectedRows:
        """The marked rows; `text_of` says how row t reads."""
        bad = np.flatnonzero(~self.good)
        first = tuple(
            Rejected(int(self._lines[row]), self._reasons[self._reason[row]], text_of(row))
            for row in bad[:KEPT].tolist()
        )
        return RejectedRows(len(bad), first)


def cut_rows(lines: Lines, delimiter: bytes, wanted: int) -> tuple[Fields, RejectedRows]:
    """Lines that have `wanted` fields, cut at the delimiter, and those that have not."""
    counts = count_fields(lines, delimiter)
    rows = RowFilter(lines.number)
    for count in np.unique(counts[counts != wanted]).tolist():
        rows.reject(counts == count, f"{count} fields, expected {wanted}")
    return Fields.cut(lines.take(rows.good), delimiter, wanted), rows.rejected(lines.text)


def examples(rows: tuple[Rejected, ...]) -> str:
    """The first of `rows` in brackets, for a refusal, each reason once; empty if there are none."""
    shown, told = [], set[str]()
    for row in rows[:EXAMPLES]:
        why = ", as well" if row.reason in told else f": {row.reason}"
        shown.append(f"line {row.line}{why}: {row.text}")
        told.add(row.reason)
    return f" ({'; '.join(shown)})" if shown else ""
