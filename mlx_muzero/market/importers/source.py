"""What every importer hands on: chunks of rows with wall times, line numbers and rejects."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from mlx_muzero.market.bars import Fault, price_faults
from mlx_muzero.symbols import Symbol
from mlx_muzero.types import F64, I64, Bool


@dataclass(frozen=True)
class Rejected:
    """A row that was left out: its 1-based line (row, for a table), why, and how it reads."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of one symbol.

    Attributes:
        symbol: the symbol that the file itself names, None if it names none.
        wall_ns: I64[T] bar opens on the file's clock, in file order.
        lines: I64[T] 1-based line or row numbers.
        columns: F64[T] by store column, NaN where unknown; bid prices or, of an ask file, the
            ask prices alone.
        rejected: rows that could not be read or are impossible.
        done: how much of the file is behind, in the unit of `Source.size`.
    """

    symbol: Symbol | None
    wall_ns: I64
    lines: I64
    columns: dict[str, F64]
    rejected: list[Rejected]
    done: int


class Source(Protocol):
    """An open file of bars.

    Attributes:
        format: name of the format.
        clock: the file's clock if the format fixes it, as `parse_clock` reads it.
        ask_only: the file holds only ask prices.
        size: bytes or rows of the file.
        notes: what the user should know about how the file is read.
    """

    @property
    def format(self) -> str: ...  # noqa: D102

    @property
    def clock(self) -> str | None: ...  # noqa: D102

    @property
    def ask_only(self) -> bool: ...  # noqa: D102

    @property
    def size(self) -> int: ...  # noqa: D102

    @property
    def notes(self) -> list[str]: ...  # noqa: D102

    def chunks(self) -> Iterator[Chunk]:
        """The file's rows in order; may be called again to read it again."""


@dataclass
class RowFilter:
    """Marks rows as bad, keeping the first reason of each; then keeps the rest."""

    lines: I64
    reasons: dict[int, str] = field(default_factory=dict)

    def reject(self, bad: Bool, reason: str) -> None:
        """Mark the rows where `bad` (Bool[T]) holds."""
        for row in np.flatnonzero(bad):
            self.reasons.setdefault(int(row), reason)

    def reject_faults(self, columns: dict[str, F64]) -> None:
        """Mark the rows whose prices are impossible (bid, and ask where known)."""
        for suffix in ("", "_ask"):
            names = [name + suffix for name in ("open", "high", "low", "close")]
            if not all(name in columns for name in names):
                continue
            volume = None if suffix else columns.get("volume")
            open_, high, low, close = (columns[name] for name in names)
            faults = price_faults(open_, high, low, close, volume)
            if suffix and "open" in columns:
                # In a table of bid and ask a missing ask is unknown, not wrong.
                faults[np.isnan(columns["close_ask"])] = Fault.NONE
            for fault in set(faults.tolist()) - {0}:
                self.reject(faults == fault, Fault(fault).text + (" (ask)" if suffix else ""))

    @property
    def good(self) -> Bool:
        """Rows without a mark: Bool[T]."""
        keep = np.ones(len(self.lines), bool)
        keep[list(self.reasons)] = False
        return keep
