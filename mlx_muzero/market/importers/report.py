"""What an import did, and what makes one refused whatever the file holds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers.rejects import Rejected

Progress: TypeAlias = Callable[[int, int], None]
"""Called with how much of the file is done and its size (bytes of text or rows)."""

# Two imports of one feed agree but for a vendor's few corrections. More disagreement means
# another feed, another clock or another instrument under the same name.
CONFLICT_MAX_FRAC = 0.01
CONFLICT_ALWAYS_ALLOWED = 10


@dataclass(frozen=True)
class ImportReport:
    """What an import did; of a file of series, "bars" are their points.

    Attributes:
        file: name of the file.
        symbols: what was imported.
        format: name of its format.
        clock: the file's clock, in words.
        already_imported: nothing was done: this very file is in the store.
        rows: good rows of the file.
        inserted: bars that were new to the store.
        duplicates: rows equal to an earlier row of the file or to a stored bar.
        conflicts: rows whose minute is stored with other values; the stored bar stays.
        replaced: stored bars that gave way to the file's.
        filled: stored bars that got a column they lacked (ask prices, volume).
        rejected_count: rows left out.
        rejected: the first of them, with line and reason.
        first_ns: earliest bar open of the good rows.
        last_ns: latest.
        notes: what else the user should know.
        seconds: wall time.
        series: the series imported, none for bars.
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


def require_few_conflicts(
    path: Path, what: str, conflicts: int, overlap: int, where: str = ""
) -> None:
    """DataError if too many of the rows that the store has already are other ones.

    Args:
        path: the file, for the message.
        what: the rows in words.
        conflicts: how many of the rows differ.
        overlap: how many of the rows the store has.
        where: the first of them, in words.
    """
    if conflicts > max(CONFLICT_ALWAYS_ALLOWED, CONFLICT_MAX_FRAC * overlap):
        raise DataError(
            f"{path}: refused, the store is unchanged: {conflicts:,} of {overlap:,} {what} already"
            f" stored differ{where}, as from another feed or clock: import it under another symbol,"
            " name its clock, or, if this file is the right one, --replace them"
        )
