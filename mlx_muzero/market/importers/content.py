"""The request for an import, and the interface of a file's content, bars or series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from mlx_muzero.market.importers.choices import Choices
from mlx_muzero.market.importers.continuity import Jump
from mlx_muzero.market.importers.rejects import RejectedRows
from mlx_muzero.market.importers.report import Progress
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.import_table import ImportRecord


@dataclass(frozen=True)
class ImportRequest:
    """A request to import one file into the store at `database` (see `pipeline.import_file`)."""

    path: Path
    database: Path
    symbol: str | None
    clock: str | None
    progress: Progress | None
    choices: Choices


@dataclass(frozen=True)
class SymbolPart:
    """A file's content for one symbol, as recorded in the store.

    Attributes:
        symbol: the name in the store.
        rows: number of good rows or points.
        rejected: number of rows left out.
        repeats: number of rows that equal an earlier one.
        first_ns: UTC time of the first row.
        last_ns: UTC time of the last row.
        jumps: jumps from the stored prices that the user accepted.
        inserted: number of new bars or points.
    """

    symbol: str
    rows: int
    rejected: int
    repeats: int
    first_ns: int | None
    last_ns: int | None
    jumps: Sequence[Jump] = ()
    inserted: int = 0


@dataclass(frozen=True)
class Merged:
    """The result of merging a file's content into the store.

    Attributes:
        clock: the clock on which the file was read, in words.
        parts: the content by symbol.
        rows: number of good rows in the file.
        rejected: rows left out.
        inserted: number of new bars or points.
        stored: number of rows that equal stored ones.
        repeats: number of rows that equal an earlier row of the file.
        conflicts: number of rows that differ from stored ones, which are kept.
        conflicts_at: times of the first conflicts, in words.
        replaced: number of stored bars or points that were replaced.
        filled: number of stored bars that gained a column they lacked.
        notes: what else the user should know.
    """

    clock: str
    parts: Sequence[SymbolPart]
    rows: int
    rejected: RejectedRows
    inserted: int
    stored: int
    repeats: int
    conflicts: int
    replaced: int
    notes: Sequence[str]
    conflicts_at: str = ""
    filled: int = 0


class Content(Protocol):
    """The content of an open file, bars or series.

    Attributes:
        format: name of its format.
        unit: "bars" or "points".
        symbols: its symbols, as spelled in the store.
        series: names of its series, empty for bars.
    """

    @property
    def format(self) -> str: ...  # noqa: D102

    @property
    def unit(self) -> Literal["bars", "points"]: ...  # noqa: D102

    @property
    def symbols(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def series(self) -> tuple[str, ...]: ...  # noqa: D102

    def held_clock(self, earlier: Mapping[str, ImportRecord]) -> str | None:
        """The clock with which the whole file is already stored; None if it is not.

        Args:
            earlier: earlier imports of this very file, by symbol.

        Raises:
            DataError: it was read in a different way then.
        """

    def merge(self, store: BarStore) -> Merged:
        """Convert to UTC, screen and store the content (inside the caller's `transaction`).

        Raises:
            DataError: the file cannot be trusted; the caller must roll back the transaction.
        """
