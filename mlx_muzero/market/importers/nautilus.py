"""Reads the bars of NautilusTrader's catalogs: parquet with prices as integers of fixed precision.

Prices and sizes are 16-byte integers of 1e-16, 8-byte ones of 1e-9 (of a build with the standard
precision) or, by earlier versions, numbers of 1e-9. Bars are stamped at their close: ``ts_event``
is when a bar closed, and ``ts_init`` when it was seen. Its wranglers, given open stamps and the
delay of a minute, leave the open in ``ts_event`` instead; then every ``ts_init`` is a minute later.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import BAR_COLUMNS, PRICE_COLUMNS
from mlx_muzero.market.importers.column_names import MID_NOTE
from mlx_muzero.market.importers.content import ImportRequest
from mlx_muzero.market.importers.nautilus_names import BarType, bar_type, folder_bar_type
from mlx_muzero.market.importers.rejects import RowFilter
from mlx_muzero.market.importers.source import Chunk, reject_faults
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.foreign_file import ForeignFile
from mlx_muzero.market.week_edges import Stamps
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64

NAUTILUS = "nautilus"
_COLUMNS = {*BAR_COLUMNS, "ts_event", "ts_init"}
_NUMBERS = ("BIGINT", "UBIGINT")
_BYTES = "BLOB"
_UNITS = {16: 10**16, 8: 10**9}
"""Parts of one, by the bytes of an integer."""
_ROWS_PER_BATCH = 100_000


def holds_nautilus_bars(file: ForeignFile) -> bool:
    """Whether a parquet file has the columns of a catalog's bars."""
    return {*file.types} >= _COLUMNS and file.types["open"] in (_BYTES, *_NUMBERS)


@dataclass
class NautilusSource:
    """Implements `BarSource` for a file of bars in a NautilusTrader catalog."""

    path: Path
    symbols: tuple[Symbol, ...]
    size: int
    stamps: Stamps
    ask_only: bool
    notes: list[str] = field(default_factory=list)
    format: str = NAUTILUS
    clock: str | None = "UTC"
    zoned: bool = True
    shortest_row: int = 1

    @classmethod
    def open(cls, _store: BarStore, request: ImportRequest) -> Self:
        """A source for the file of `request`.

        Raises:
            DataError: it is not of such a catalog, or its bars are not of one minute.
        """
        path = request.path
        with ForeignFile.table(path) as file:
            missing = [name for name in _COLUMNS if name not in file.types]
            if missing:
                raise DataError(f"{path}: no column {', '.join(sorted(missing))}")
            text = file.metadata("bar_type") or folder_bar_type(path)
            held = None if text is None else bar_type(path, text)
            found = file.fetch(
                "select count(*) as n, min(ts_init - ts_event) as least,"
                " max(ts_init - ts_event) as most from rows"
            )
        size, least, most = (int(found[name].tolist()[0] or 0) for name in found)
        at_open = least == most == MINUTE_NS
        symbols = () if held is None or request.symbol is not None else (held.symbol,)
        side = "" if held is None else held.side
        notes = [] if held is None else _notes(held, symbols)
        if at_open:
            notes.append("its bars are stamped at their open: ts_init is a minute after ts_event")
        return cls(path, symbols, size, "open" if at_open else "close", side == "ASK", notes)

    def chunks(self) -> Iterator[Chunk]:
        """See `BarSource`."""
        columns = ", ".join(BAR_COLUMNS)
        with ForeignFile.table(self.path) as file:
            for start in range(0, self.size, _ROWS_PER_BATCH):
                stop = min(start + _ROWS_PER_BATCH, self.size)
                table = file.fetch(
                    f"select ts_event::bigint as time_ns, {columns} from rows"
                    " where file_row_number >= ? and file_row_number < ?",
                    [start, stop],
                )
                values = {name: _decimals(table[name]) for name in BAR_COLUMNS}
                if self.ask_only:
                    values = {f"{name}_ask": values[name] for name in PRICE_COLUMNS}
                lines = np.arange(start, stop) + 1
                times = np.ma.getdata(table["time_ns"]).astype(np.int64, copy=False)
                rows = RowFilter(lines)
                rows.reject(times % MINUTE_NS != 0, "the time is not a whole minute")
                reject_faults(rows, values)
                rejected = rows.rejected(_text_of(values))
                good = rows.good
                kept = {name: column[good] for name, column in values.items()}
                symbol = self.symbols[0] if self.symbols else None
                yield Chunk(symbol, times[good], lines[good], kept, rejected, stop)


def _notes(held: BarType, symbols: tuple[Symbol, ...]) -> list[str]:
    notes = [f"instrument {held.instrument}, {held.side} prices"]
    if symbols and not held.instrument.startswith(f"{symbols[0]}."):
        notes[0] += f": imported as {symbols[0]}"
    if held.side == "MID":
        notes.append(MID_NOTE)
    if held.side == "ASK":
        notes.append("its prices are added to stored bid bars")
    return notes


def _text_of(values: dict[str, F64]) -> Any:
    return lambda row: ", ".join(f"{name} {column[row]:g}" for name, column in values.items())


def _decimals(column: npt.NDArray[Any]) -> F64:
    """Numbers of a column of integers, ``f64[T]``, correctly rounded; NaN where one is missing."""
    if column.dtype != object:
        return np.ma.filled(column.astype(np.float64), np.nan) / _UNITS[8]
    values = np.full(len(column), np.nan)
    known = ~np.ma.getmaskarray(column)
    for row, data in enumerate(np.ma.getdata(column).tolist()):
        if known[row] and len(data) in _UNITS:
            # Python divides integers of any size to the nearest number.
            values[row] = int.from_bytes(data, "little", signed=True) / _UNITS[len(data)]
    return values
