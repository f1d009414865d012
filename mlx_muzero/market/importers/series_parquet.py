"""Reads funding rates of one or many symbols from parquet."""

from pathlib import Path

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import BAR_COLUMNS
from mlx_muzero.market.importers.file_names import symbol_in_file
from mlx_muzero.market.importers.rejects import Allowance, RowFilter
from mlx_muzero.market.importers.series_source import Points, SeriesFile, series_file
from mlx_muzero.market.series import FUNDING_RATE
from mlx_muzero.market.store.foreign_file import ForeignFile
from mlx_muzero.symbols.symbol import Symbol

FUNDING_COLUMNS = ("timestamp", FUNDING_RATE)


FREQTRADE_COLUMNS = ("date", *BAR_COLUMNS)
_FREQTRADE_FUNDING = ("date", "open")


def holds_funding(file: ForeignFile) -> bool:
    """Whether a parquet or feather file has settlements: `FUNDING_COLUMNS`, and no bars."""
    return {*FUNDING_COLUMNS} <= file.types.keys() and "close" not in file.types


def holds_freqtrade_funding(file: ForeignFile) -> bool:
    """Whether a parquet or feather file has freqtrade's settlements: the rate in ``open`` alone."""
    if not {*FREQTRADE_COLUMNS} <= file.types.keys():
        return False
    (highest,) = file.fetch("select max(abs(close::double)) as highest from rows")["highest"]
    return bool(highest == 0)


def read_freqtrade_funding(path: Path, symbol: Symbol, allowance: Allowance) -> SeriesFile:
    """Read freqtrade's settlements, whose columns are those of bars, with the rate in ``open``.

    Raises:
        DataError: too many rows lack a value.
    """
    return read_funding_parquet(path, symbol, allowance, _FREQTRADE_FUNDING)


def read_funding_parquet(
    path: Path,
    symbol: Symbol | None,
    allowance: Allowance,
    columns: tuple[str, str] = FUNDING_COLUMNS,
) -> SeriesFile:
    """Read the time and the rate in `columns` and, unless `symbol` is given, ``symbol``.

    Raises:
        DataError: too many rows lack a value, or no row is of `symbol`.
    """
    with ForeignFile.table(path) as file:
        missing = {*columns, *(() if symbol else ("symbol",))} - set(file.types)
        if missing:
            raise DataError(f"{path}: no column {', '.join(sorted(missing))}")
        time, rate_name = columns
        file.require_time(time)
        is_named = "symbol" in file.types
        table = file.fetch(
            f"""select {"symbol" if is_named else "?"}::varchar as symbol,
                       file_row_number + 1 as line, epoch_ns("{time}") as time_ns,
                       "{rate_name}"::double as rate
                from rows order by file_row_number""",
            [] if is_named else [str(symbol)],
        )
    checked = RowFilter(np.ma.getdata(table["line"]))
    for name in ("symbol", "time_ns", "rate"):
        checked.reject(np.ma.getmaskarray(table[name]), f"{name} is missing")
    rejected = checked.rejected(lambda row: ", ".join(str(table[name][row]) for name in table))
    fault = allowance.fault(rejected, len(checked.good))
    if fault:
        raise DataError(
            f"{path}: row {rejected.first[0].line}: {rejected.first[0].reason}; {fault}"
        )
    table = {name: np.ma.getdata(column)[checked.good] for name, column in table.items()}
    names = table["symbol"].astype(str)
    held = {name: symbol_in_file(path, name) for name in np.unique(names).tolist()}
    if symbol is not None and symbol not in held.values():
        raise DataError(f"{path}: no symbol {symbol}; it holds {', '.join(held.values())}")
    points = []
    for name in [symbol] if symbol else sorted(set(held.values())):
        rows = np.isin(names, [text for text, spelled in held.items() if spelled == name])
        lines, time_ns, rate = (table[column][rows] for column in ("line", "time_ns", "rate"))
        time_ns = time_ns.astype(np.int64)
        points.append(Points(name, FUNDING_RATE, lines, time_ns, time_ns, rate))
    return series_file(path, len(names), points, rejected)
