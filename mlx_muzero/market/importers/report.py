"""The report of an import, and the limit on its conflicts with the store."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers.rejects import Rejected

Progress: TypeAlias = Callable[[int, int], None]
"""Called with how much of the file has been read, and its size (in bytes or rows)."""

# Two imports of one feed agree except for a vendor's few corrections. More disagreement means
# another feed, another clock or another instrument under the same name.
CONFLICT_MAX_FRAC = 0.01
CONFLICT_ALWAYS_ALLOWED = 10


@dataclass(frozen=True)
class SymbolCount:
    """What a file of several symbols has of one.

    Attributes:
        symbol: the symbol.
        rows: number of good rows.
        inserted: number of bars new to the store.
        rejected: number of rejected rows.
        first_ns: earliest UTC bar open of the good rows.
        last_ns: latest UTC bar open of the good rows.
    """

    symbol: str
    rows: int
    inserted: int
    rejected: int
    first_ns: int | None
    last_ns: int | None


@dataclass(frozen=True)
class ImportReport:
    """The report of an import; for a file of series, "bars" are points.

    Attributes:
        file: name of the file.
        symbols: the symbols imported.
        format: name of its format.
        clock: the file's clock, in words.
        already_imported: whether this very file was already stored, so that nothing was done.
        rows: number of good rows in the file.
        inserted: number of bars new to the store.
        duplicates: number of rows equal to an earlier row of the file or to a stored bar.
        conflicts: number of rows whose minute is stored with other values, which are kept.
        replaced: number of stored bars replaced by the file's.
        filled: number of stored bars that gained a column they lacked (ask prices, volume).
        rejected_count: number of rejected rows.
        rejected: the first rejected rows, with line and reason.
        first_ns: earliest UTC bar open of the good rows.
        last_ns: latest UTC bar open of the good rows.
        notes: what else the user should know.
        seconds: duration in seconds.
        series: the series imported, empty for bars.
        by_symbol: bars of each symbol, if there are several.
    """

    file: str
    symbols: tuple[str, ...]
    format: str
    clock: str
    already_imported: bool = False
    rows: int = 0
    inserted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    replaced: int = 0
    filled: int = 0
    rejected_count: int = 0
    rejected: tuple[Rejected, ...] = ()
    first_ns: int | None = None
    last_ns: int | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    series: tuple[str, ...] = ()
    by_symbol: tuple[SymbolCount, ...] = ()


def require_few_conflicts(
    path: Path, what: str, conflicts: int, overlap: int, where: str = ""
) -> None:
    """Raise DataError if too many rows differ from what is stored.

    Args:
        path: the file, for the message.
        what: "bars" or "points".
        conflicts: number of rows that differ from the store.
        overlap: number of rows that the store already has.
        where: times of the first conflicts, in words.
    """
    if conflicts > max(CONFLICT_ALWAYS_ALLOWED, CONFLICT_MAX_FRAC * overlap):
        raise DataError(
            f"{path}: refused, the store is unchanged: {conflicts:,} of {overlap:,} {what} already"
            f" stored differ{where}, as from another feed or clock: import it under another symbol,"
            " name its clock, or, if this file is the right one, --replace them"
        )
