"""Reads parquet and feather files whose columns have usual names, of one or many symbols."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import PRICE_COLUMNS
from mlx_muzero.market.importers.column_names import (
    MID_NOTE,
    OF_BARS,
    SYMBOL,
    TIME,
    chosen_fields,
    plain,
    value_fields,
)
from mlx_muzero.market.importers.formats import PARQUET
from mlx_muzero.market.importers.named_columns import DATABENTO_COLUMNS, NANO
from mlx_muzero.market.importers.rejects import RowFilter
from mlx_muzero.market.importers.source import Chunk, reject_faults
from mlx_muzero.market.importers.symbol_column import chosen_symbols, renamed_note
from mlx_muzero.market.importers.table_times import TableTimes
from mlx_muzero.market.store.duckdb_files import Columns, quoted_name
from mlx_muzero.market.store.foreign_file import ForeignFile
from mlx_muzero.market.week_edges import Stamps
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64

ROWS_PER_BATCH = 250_000


@dataclass
class ParquetSource:
    """Implements `BarSource` for parquet and feather.

    Attributes:
        symbols_of: the symbols to import, by their names in the file.
        times: the column of times.
        columns: the columns of the file by store column.
        named_by: the column of symbols, if there is one.
        price_unit: what prices are divided by.
    """

    path: Path
    symbols_of: dict[str, Symbol]
    times: TableTimes
    columns: dict[str, str]
    named_by: str | None
    # Each symbol as named in the file, with its first and last row, in file order.
    spans: list[tuple[str | None, int, int]]
    size: int
    format: str = PARQUET
    clock: str | None = "UTC"
    stamps: Stamps | None = None
    ask_only: bool = False
    shortest_row: int = 1
    price_unit: float = 1.0
    notes: list[str] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        path: Path,
        given: str | None,
        format_name: str = PARQUET,
        chosen: Mapping[str, str] | None = None,
    ) -> "ParquetSource":
        """A source for the parquet or feather file at `path`.

        Args:
            path: the file.
            given: the symbol, if the user gave it.
            format_name: name of the format.
            chosen: columns of the file that the user named, by what they hold.

        Raises:
            DataError: a required column is missing, or the file has symbols but not `given`.
        """
        with ForeignFile.table(path) as file:
            columns, times = _found_columns(file, chosen or {})
            named_by = columns.pop(SYMBOL, None)
            spans, size = _spans(file, named_by)
            is_databento = {*file.types} >= DATABENTO_COLUMNS
            is_whole = is_databento and file.types[columns["close"]] == "BIGINT"
        symbols: dict[str, Symbol] = {}
        if named_by is not None:
            symbols = chosen_symbols(path, (str(name) for name, *_ in spans), given)
            spans = [span for span in spans if span[0] in symbols]
        used = {*columns.values(), *times.columns, named_by}
        unused = [name for name in file.types if name not in used]
        notes = renamed_note(symbols)
        if unused:
            notes.append(f"columns not used: {', '.join(unused)}")
        if "mid" in plain(columns["close"]):
            notes.append(MID_NOTE)
        return cls(
            path,
            symbols,
            times,
            columns,
            named_by,
            spans,
            size,
            format_name,
            stamps="open" if is_databento else None,
            notes=notes,
            price_unit=NANO if is_whole else 1.0,
        )

    @property
    def zoned(self) -> bool:
        """See `BarSource`."""
        return self.times.zoned

    @property
    def symbols(self) -> list[Symbol]:
        """See `BarSource`."""
        return list(dict.fromkeys(self.symbols_of.values()))

    def chunks(self) -> Iterator[Chunk]:
        """See `BarSource`."""
        values = ", ".join(
            f"{quoted_name(column)}::double as {name}" for name, column in self.columns.items()
        )
        query = f"""select file_row_number as row, {self.times.sql} as wall, {values}
                    from rows where file_row_number between ? and ?"""
        with ForeignFile.table(self.path) as file:
            for name, first, last in self.spans:
                own = ""
                if name is not None and self.named_by is not None:
                    own = f" and {quoted_name(self.named_by)}::varchar = ?"
                symbol = None if name is None else self.symbols_of[name]
                for start in range(first, last + 1, ROWS_PER_BATCH):
                    stop = min(start + ROWS_PER_BATCH - 1, last)
                    parameters: list[str | int] = [start, stop]
                    parameters += [] if name is None else [name]
                    yield self._chunk(symbol, file.fetch(query + own, parameters), stop + 1)

    def _chunk(self, symbol: Symbol | None, table: Columns, done: int) -> Chunk:
        wall, known = self.times.read(table, "wall")
        lines = np.ma.getdata(table["row"]).astype(np.int64) + 1
        columns: dict[str, F64] = {name: np.ma.filled(table[name], np.nan) for name in self.columns}
        for name in PRICE_COLUMNS:
            columns[name] = columns[name] / self.price_unit
        rows = RowFilter(lines)
        missing = np.ma.getmaskarray(table["wall"])
        rows.reject(missing, "the time is missing")
        rows.reject(~known, "the time cannot be read")
        rows.reject(wall % MINUTE_NS != 0, "the time is not a whole minute")
        reject_faults(rows, columns)
        rejected = rows.rejected(lambda row: ", ".join(f"{n} {columns[n][row]:g}" for n in columns))
        good = rows.good
        kept = {name: values[good] for name, values in columns.items()}
        return Chunk(symbol, wall[good], lines[good], kept, rejected, done)


def _found_columns(
    file: ForeignFile, chosen: Mapping[str, str]
) -> tuple[dict[str, str], TableTimes]:
    """The file's columns by what they hold, and that of its times."""
    names = list(file.types)
    try:
        given = {what: names[k] for what, k in chosen_fields(names, chosen).items()}
    except KeyError as error:
        raise DataError(
            f"{file.path}: no column {error.args[0]}; it has {', '.join(names)}"
        ) from error
    # The store's own names stand before others that mean the same.
    usual = {what: names[k] for what, k in value_fields(names, OF_BARS).items()}
    own = {what: what for what in OF_BARS.names if what in names}
    columns = usual | own | given
    times = TableTimes.among(file, columns.pop(TIME, None))
    missing = ([] if times else ["timestamp"]) + [n for n in PRICE_COLUMNS if n not in columns]
    if missing or times is None:
        to_name = ",".join(f"{name.replace('timestamp', TIME)}=NAME" for name in missing)
        raise DataError(
            f"{file.path}: no column {', '.join(missing)}; it has {', '.join(names)}: name the"
            f" columns with --columns {to_name}"
        )
    return columns, times


def _spans(
    file: ForeignFile, named_by: str | None
) -> tuple[list[tuple[str | None, int, int]], int]:
    """Each symbol with its first and last row, in file order, and the number of rows."""
    if named_by is None:
        (size,) = file.fetch("select count(*) as n from rows")["n"]
        return [(None, 0, int(size) - 1)], int(size)
    found = file.fetch(
        f"""select {quoted_name(named_by)}::varchar as symbol, min(file_row_number) as a,
                   max(file_row_number) as b
            from rows group by all order by a"""
    )
    held = list(zip(found["symbol"], found["a"], found["b"], strict=True))
    if not held or any(name is None for name, *_ in held):
        raise DataError(f"{file.path}: empty, or rows without a symbol")
    return [(str(name), int(a), int(b)) for name, a, b in held], max(int(b) for *_, b in held) + 1
