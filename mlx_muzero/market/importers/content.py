"""What an import is asked for, and what the job asks of a file's content, bars or series."""

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
    """One file to import, as the caller asks for it (see `pipeline.import_file`)."""

    path: Path
    symbol: str | None
    clock: str | None
    progress: Progress | None
    choices: Choices


@dataclass(frozen=True)
class SymbolPart:
    """What a file holds of one symbol, as the store records it.

    Attributes:
        symbol: as the store writes it.
        rows: good rows or points.
        rejected: rows that were left out.
        repeats: rows that equal an earlier one.
        first_ns: time of the first.
        last_ns: time of the last.
        jumps: steps from the stored prices that the user accepts.
    """

    symbol: str
    rows: int
    rejected: int
    repeats: int
    first_ns: int | None
    last_ns: int | None
    jumps: Sequence[Jump] = ()


@dataclass(frozen=True)
class Merged:
    """What became of a file's content in the store.

    Attributes:
        clock: on which the file was read, in words.
        parts: by symbol.
        rows: good rows of the file.
        rejected: rows that were left out.
        inserted: bars or points that were new.
        stored: rows equal to what was there.
        repeats: rows equal to an earlier row of the file.
        conflicts: rows that differ from what was there, which stays.
        conflicts_at: the first of them, in words.
        replaced: stored bars or points that gave way.
        filled: stored bars that got a column they lacked.
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
    """An open file, of bars or of series.

    Attributes:
        format: name of its format.
        unit: what its rows become.
        symbols: whose it is, as the store writes them.
        series: names of its series, none for bars.
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
        """The clock on which the store already has all of it; None if it has not.

        Args:
            earlier: imports of this very file, by symbol.

        Raises:
            DataError: it was read in another way than it would be now.
        """

    def merge(self, store: BarStore) -> Merged:
        """Convert to UTC, screen and bring all of it in (inside the caller's `transaction`).

        Raises:
            DataError: it cannot be trusted as a whole; the caller's transaction must be undone.
        """
