"""Reads parquet and feather files with the store's column names, of one or many symbols."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import BAR_COLUMNS, PRICE_COLUMNS
from mlx_muzero.market.importers.formats import PARQUET
from mlx_muzero.market.importers.rejects import RowFilter
from mlx_muzero.market.importers.source import Chunk, reject_faults
from mlx_muzero.market.importers.symbol_column import chosen_symbols, renamed_note
from mlx_muzero.market.store.duckdb_files import Columns, ForeignFile
from mlx_muzero.market.store.staging import EXTRA_COLUMNS
from mlx_muzero.market.week_edges import Stamps
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64

ROWS_PER_BATCH = 250_000

TIME_NAMES = ("timestamp", "date")
"""Names of the time column: ours, and freqtrade's."""


@dataclass
class ParquetSource:
    """Implements `BarSource` for parquet and feather.

    Attributes:
        symbols_of: the symbols to import, by their names in the file.
    """

    path: Path
    symbols_of: dict[str, Symbol]
    time: str
    names: tuple[str, ...]
    # Each symbol as named in the file, with its first and last row, in file order.
    spans: list[tuple[str | None, int, int]]
    size: int
    zoned: bool
    format: str = PARQUET
    clock: str | None = "UTC"
    stamps: Stamps | None = None
    ask_only: bool = False
    shortest_row: int = 1
    notes: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, given: str | None, format_name: str = PARQUET) -> "ParquetSource":
        """A source for the parquet or feather file at `path`, of the `given` symbol if any.

        Raises:
            DataError: a required column is missing, or the file has symbols but not `given`.
        """
        with ForeignFile.table(path) as file:
            names, time = _checked_columns(file)
            zoned = file.require_time(time)
            symbols: dict[str, Symbol] = {}
            if "symbol" not in names:
                (size,) = file.fetch("select count(*) as n from rows")["n"]
                spans: list[tuple[str | None, int, int]] = [(None, 0, int(size) - 1)]
            else:
                found = file.fetch(
                    """select symbol::varchar as symbol, min(file_row_number) as a,
                              max(file_row_number) as b
                       from rows group by all order by a"""
                )
                held = list(zip(found["symbol"], found["a"], found["b"], strict=True))
                if not held or any(s is None for s, *_ in held):
                    raise DataError(f"{path}: empty, or rows without a symbol")
                size = max(b for _, _, b in held) + 1
                symbols = chosen_symbols(path, (str(s) for s, *_ in held), given)
                spans = [(str(s), int(a), int(b)) for s, a, b in held if str(s) in symbols]
        values = tuple(name for name in (*BAR_COLUMNS, *EXTRA_COLUMNS) if name in names)
        notes = renamed_note(symbols)
        return cls(path, symbols, time, values, spans, int(size), zoned, format_name, notes=notes)

    @property
    def symbols(self) -> list[Symbol]:
        """See `BarSource`."""
        return list(dict.fromkeys(self.symbols_of.values()))

    def chunks(self) -> Iterator[Chunk]:
        """See `BarSource`."""
        values = ", ".join(f"{name}::double as {name}" for name in self.names)
        query = f"""select file_row_number as row, epoch_ns("{self.time}") as wall_ns, {values}
                    from rows where file_row_number between ? and ?"""
        with ForeignFile.table(self.path) as file:
            for name, first, last in self.spans:
                symbol = None if name is None else self.symbols_of[name]
                for start in range(first, last + 1, ROWS_PER_BATCH):
                    stop = min(start + ROWS_PER_BATCH - 1, last)
                    parameters: list[str | int] = [start, stop]
                    if name is None:
                        table = file.fetch(query, parameters)
                    else:
                        table = file.fetch(query + " and symbol::varchar = ?", [*parameters, name])
                    yield _chunk(symbol, table, self.names, stop + 1)


def _checked_columns(file: ForeignFile) -> tuple[set[str], str]:
    """The file's columns, and the name of its time column."""
    time = next((name for name in TIME_NAMES if name in file.types), TIME_NAMES[0])
    missing = [name for name in (time, *PRICE_COLUMNS) if name not in file.types]
    if missing:
        raise DataError(
            f"{file.path}: no column {', '.join(missing)}; it has {', '.join(file.types)}"
        )
    return set(file.types), time


def _chunk(symbol: Symbol | None, table: Columns, names: tuple[str, ...], done: int) -> Chunk:
    unknown_time = np.ma.getmaskarray(table["wall_ns"])
    wall = np.ma.getdata(table["wall_ns"]).astype(np.int64, copy=False)
    lines = np.ma.getdata(table["row"]).astype(np.int64) + 1
    columns: dict[str, F64] = {name: np.ma.filled(table[name], np.nan) for name in names}
    rows = RowFilter(lines)
    rows.reject(unknown_time, "the time is missing")
    rows.reject(wall % MINUTE_NS != 0, "the time is not a whole minute")
    reject_faults(rows, columns)
    rejected = rows.rejected(lambda row: ", ".join(f"{n} {columns[n][row]:g}" for n in names))
    good = rows.good
    kept = {name: values[good] for name, values in columns.items()}
    return Chunk(symbol, wall[good], lines[good], kept, rejected, done)
