"""The output of every importer of bars: chunks of rows with wall times, lines and rejects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mlx_muzero.market.bars import Fault, price_faults
from mlx_muzero.market.importers.rejects import RejectedRows, RowFilter
from mlx_muzero.market.week_edges import Stamps
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.types import F64, I64


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of one symbol.

    Attributes:
        symbol: the symbol named in the file, None if it names none.
        wall_ns: ``i64[T]`` bar opens on the file's clock, in file order.
        lines: ``i64[T]`` 1-based line or row numbers.
        columns: values by store column, each ``f64[T]``, NaN where unknown; bid prices, or, in an
            ask file, only ask prices.
        rejected: rows that are unreadable or impossible.
        done: how much of the file has been read, in the unit of `BarSource.size`.
        ticks: number of good rows read, if these are ticks of which bars are made; else None.
        flats: number of minutes without a tick that were left out.
    """

    symbol: Symbol | None
    wall_ns: I64
    lines: I64
    columns: dict[str, F64]
    rejected: RejectedRows
    done: int
    ticks: int | None = None
    flats: int = 0


class BarSource(Protocol):
    """An open file of bars.

    Attributes:
        format: name of the format.
        clock: the file's clock if the format determines it, as `parse_clock` reads it.
        zoned: whether each time identifies its moment in UTC.
        stamps: where the format stamps bars, None if that depends on the writer.
        ask_only: whether the file holds only ask prices.
        size: size of the file in bytes or rows.
        shortest_row: minimum of `size` that a row takes.
        notes: what the user should know about how the file is read.
        symbols: the symbols named in the file and selected, empty if it names none.
    """

    @property
    def format(self) -> str: ...  # noqa: D102

    @property
    def clock(self) -> str | None: ...  # noqa: D102

    @property
    def zoned(self) -> bool: ...  # noqa: D102

    @property
    def stamps(self) -> Stamps | None: ...  # noqa: D102

    @property
    def ask_only(self) -> bool: ...  # noqa: D102

    @property
    def size(self) -> int: ...  # noqa: D102

    @property
    def shortest_row(self) -> int: ...  # noqa: D102

    @property
    def notes(self) -> list[str]: ...  # noqa: D102

    @property
    def symbols(self) -> Sequence[Symbol]: ...  # noqa: D102

    def chunks(self) -> Iterator[Chunk]:
        """The file's rows, in order; may be called again to reread it."""


def flats_note(flats: int) -> str:
    """Says that Dukascopy's bars of minutes without a tick were left out."""
    return f"{flats:,} minutes without a tick were left out"


def reject_faults(rows: RowFilter, columns: dict[str, F64]) -> None:
    """Mark the rows whose prices are impossible (bid, and ask where known)."""
    for suffix in ("", "_ask"):
        names = [name + suffix for name in ("open", "high", "low", "close")]
        if not all(name in columns for name in names):
            continue
        volume = None if suffix else columns.get("volume")
        open_, high, low, close = (columns[name] for name in names)
        faults = price_faults(open_, high, low, close, volume)
        if suffix and "open" in columns:
            # In a table of bid and ask, a missing ask is unknown, not wrong.
            faults[np.isnan(columns["close_ask"])] = Fault.NONE
        for fault in set(faults.tolist()) - {0}:
            rows.reject(faults == fault, Fault(fault).text + (" (ask)" if suffix else ""))
