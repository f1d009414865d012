"""Reads CSV files of series: Binance's trades, funding and metrics; macro figures."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import BAR_COLUMNS, utc_ns
from mlx_muzero.market.importers.blocks import line_blocks
from mlx_muzero.market.importers.fields import EPOCH, Fields, decimals, pattern_text, stamps
from mlx_muzero.market.importers.formats import AGGREGATE_COLUMNS, header_names
from mlx_muzero.market.importers.json_rows import open_json_rows
from mlx_muzero.market.importers.packed import TextStream, open_text
from mlx_muzero.market.importers.rejects import Allowance, RejectedRows, RowFilter, cut_rows
from mlx_muzero.market.importers.report import Progress
from mlx_muzero.market.importers.series_source import Points, SeriesFile, series_file
from mlx_muzero.market.metrics_labels import taken_ns
from mlx_muzero.market.series import (
    FUNDING_RATE,
    MACRO,
    MAX_AGE_NS,
    OPEN_INTEREST,
    TAKER_BUY_SHARE,
    TRADE_COUNT,
    Series,
)
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64, Bool

_METRICS_STAMP = "YYYY-MM-DD hh:mm:ss"
_MACRO_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SHORTEST_ROW = 16
_TRUE, _FALSE = ord("t"), ord("f")


class _Table:
    """The rows of one block, with fields by column name, and which of the rows are good.

    Args:
        fields: the rows.
        names: column names.
        miscut: rejected rows with another number of fields.
    """

    def __init__(self, fields: Fields, names: tuple[str, ...], miscut: RejectedRows) -> None:
        self.lines = fields.lines
        self._fields, self._names, self._miscut = fields, names, miscut
        self._rows = RowFilter(fields.lines.number)

    def numbers(self, name: str) -> F64:
        """A column of numbers; rows with a blank or invalid number are bad."""
        start, end = self._span(name)
        values, known = decimals(self.lines.data, start, end)
        self.require(start < end, f"{name} is blank")
        self.require(known, f"{name} is not a number")
        return values

    def times(self, name: str, pattern: str) -> I64:
        """A column of times; rows with an invalid time are bad."""
        times, known = stamps(self.lines.data, *self._span(name), pattern)
        self.require(known, f"{name} is not a time (accepted: {pattern_text(pattern)})")
        return times

    def iso_times(self, name: str) -> I64:
        """A column of ISO 8601 times; rows with an invalid time are bad."""
        times = np.zeros(len(self.lines.start), np.int64)
        known = np.ones(len(times), bool)
        for row, text in enumerate(self.texts(name)):
            try:
                times[row] = utc_ns(text.strip())
            except ValueError:
                known[row] = False
        self.require(known, f"{name} is not an ISO 8601 time (such as 2021-02-10T13:30:00+00:00)")
        return times

    def flags(self, name: str) -> Bool:
        """A column of "true" and "false", in any case; rows with neither are bad."""
        start, end = self._span(name)
        letter = self.lines.data[np.minimum(start, len(self.lines.data) - 1)] | 0x20
        self.require(
            ((letter == _TRUE) & (end - start == 4)) | ((letter == _FALSE) & (end - start == 5)),
            f"{name} is neither true nor false",
        )
        return letter == _TRUE

    def texts(self, name: str) -> list[str]:
        spans = zip(*self._span(name), strict=True)
        return [self.lines.data[a:b].tobytes().decode("utf-8", "replace") for a, b in spans]

    def require(self, good: Bool, reason: str) -> None:
        """Mark the rows that are not `good` as bad."""
        self._rows.reject(~good, reason)

    @property
    def good(self) -> Bool:
        """``bool[T]`` rows that are good so far."""
        return self._rows.good

    @property
    def rejected(self) -> RejectedRows:
        """The bad rows, including those with another number of fields."""
        return self._miscut + self._rows.rejected(self.lines.text)

    def _span(self, name: str) -> tuple[I64, I64]:
        return self._fields.span(self._names.index(name))


@dataclass
class _Reading:
    """Reads a file block by block, until too many of its rows are bad.

    Attributes:
        path: the file.
        allowance: how many bad rows it may have.
        progress: called with how much of the file has been read.
        names: its columns; if none, its header names them.
        opened: opens its text.
        good: number of good rows.
        rejected: the rejected rows.
    """

    path: Path
    allowance: Allowance
    progress: Progress | None
    names: tuple[str, ...] = ()
    opened: Callable[[Path], AbstractContextManager[TextStream]] = open_text
    good: int = 0
    rejected: RejectedRows = RejectedRows()

    def tables(self) -> Iterator[_Table]:
        """Yield blocks of rows; a file that starts with a number has no header and holds trades.

        Raises:
            DataError: too many rows are bad; raised as soon as that is certain.
        """
        names = self.names
        for lines, done, size in line_blocks(self.path, self.opened):
            if not names and len(lines.start):
                names = header_names(lines.text(0, 4096))
                if names[0].isdigit():
                    names = (*AGGREGATE_COLUMNS, *names[len(AGGREGATE_COLUMNS) :])
                else:
                    lines = lines.take(np.arange(1, len(lines.start)))
            fields, miscut = cut_rows(lines, b",", len(names))
            table = _Table(fields, names, miscut)
            yield table
            self.good += int(table.good.sum())
            self.rejected += table.rejected
            self._refuse_beyond(max(size - done, 0) // _SHORTEST_ROW)
            if self.progress is not None:
                self.progress(min(done, size), size)
        self._refuse_beyond(0)

    def _refuse_beyond(self, left: int) -> None:
        rows = self.good + self.rejected.count
        fault = self.allowance.fault(self.rejected, rows, left)
        if fault:
            first = self.rejected.first[0]
            raise DataError(f"{self.path}:{first.line}: {first.reason}: {first.text}; {fault}")

    def file(self, points: list[Points]) -> SeriesFile:
        """The file's content, made from `points`."""
        return series_file(self.path, self.good, points, self.rejected)


def read_aggregate_trades(
    path: Path, symbol: str, allowance: Allowance, progress: Progress | None
) -> SeriesFile:
    """Binance ``aggTrades``: every minute's share of volume bought by takers, and its trades.

    The taker sells if the buyer is the maker. A minute is known at its close; one without trades
    has no share.
    """
    reading = _Reading(path, allowance, progress)
    parts = [(np.empty(0, np.int64), *(np.empty(0) for _ in range(3)))]
    for table in reading.tables():
        time_ns = table.times("transact_time", EPOCH)
        quantity = table.numbers("quantity")
        first, last = table.numbers("first_trade_id"), table.numbers("last_trade_id")
        table.require(quantity > 0.0, "the quantity is not positive")
        table.require(last >= first, "the last trade comes before the first")
        bought = np.where(table.flags("is_buyer_maker"), 0.0, quantity)
        good = table.good
        minute, inverse = np.unique(time_ns[good] // MINUTE_NS, return_inverse=True)
        sums = (bought[good], quantity[good], (last - first + 1)[good])
        parts.append((minute, *(np.bincount(inverse, column) for column in sums)))
    minute, inverse = np.unique(np.concatenate([p[0] for p in parts]), return_inverse=True)
    bought, traded, count = (
        np.bincount(inverse, np.concatenate([part[k] for part in parts])) for k in (1, 2, 3)
    )
    opens = minute * MINUTE_NS
    lines = np.arange(len(minute))
    columns = ((TAKER_BUY_SHARE, bought / traded), (TRADE_COUNT, count.astype(np.float64)))
    points = [Points(symbol, n, lines, opens, opens + MINUTE_NS, v) for n, v in columns]
    return reading.file(points)


def read_funding(
    path: Path, symbol: str, allowance: Allowance, progress: Progress | None
) -> SeriesFile:
    """Binance ``fundingRate``: the rate of each settlement, known when it settles."""
    reading = _Reading(path, allowance, progress)
    found = []
    for table in reading.tables():
        time_ns, rate = table.times("calc_time", EPOCH), table.numbers("last_funding_rate")
        table.require(np.abs(rate) < 1.0, "the rate is not below 1")
        found.append(_good(table, time_ns, rate))
    lines, time_ns, rate = _joined(path, found)
    return reading.file([Points(symbol, FUNDING_RATE, lines, time_ns, time_ns, rate)])


def read_freqtrade_funding_json(
    path: Path, symbol: str, allowance: Allowance, progress: Progress | None
) -> SeriesFile:
    """Settlements as freqtrade's JSON has them: rows as of bars, with the rate as their open."""
    reading = _Reading(path, allowance, progress, ("date", *BAR_COLUMNS), open_json_rows)
    found = []
    for table in reading.tables():
        time_ns, rate = table.times("date", EPOCH), table.numbers("open")
        table.require(np.abs(rate) < 1.0, "the rate is not below 1")
        found.append(_good(table, time_ns, rate))
    lines, time_ns, rate = _joined(path, found)
    return reading.file([Points(symbol, FUNDING_RATE, lines, time_ns, time_ns, rate)])


def read_metrics(
    path: Path, symbol: str, allowance: Allowance, progress: Progress | None
) -> SeriesFile:
    """Binance ``metrics``: open interest every five minutes, known when sampled."""
    reading = _Reading(path, allowance, progress)
    found = []
    for table in reading.tables():
        label_ns = table.times("create_time", _METRICS_STAMP)
        interest = table.numbers("sum_open_interest")
        table.require(interest >= 0.0, "the open interest is negative")
        for row, named in enumerate(table.texts("symbol")):
            if named.upper() != symbol:
                where = f"{path}:{table.lines.number[row]}"
                raise DataError(f"{where}: the symbol is not {symbol}: {table.lines.text(row)}")
        found.append(_good(table, label_ns, interest))
    lines, label_ns, interest = _joined(path, found)
    taken, clock, notes = taken_ns(symbol, label_ns)
    file = reading.file([Points(symbol, OPEN_INTEREST, lines, taken, taken, interest)])
    early = taken != label_ns
    misread = Series.of(symbol, OPEN_INTEREST, label_ns[early], label_ns[early], interest[early])
    return replace(file, clock=clock, notes=[*notes, *file.notes], misread=[misread])


def read_macro(
    path: Path, name: str, allowance: Allowance, progress: Progress | None
) -> SeriesFile:
    """Macro figures ``date,value,release_time``: each is known from its release.

    A revision is another row with the same date and a later release. Times without an offset are
    UTC.
    """
    if not _MACRO_NAME.fullmatch(name) or name in MAX_AGE_NS:
        raise DataError(
            f"{path}: {name!r} cannot name a macro series: give one of small letters, digits and _ "
            f"as --symbol, other than {', '.join(MAX_AGE_NS)}"
        )
    reading = _Reading(path, allowance, progress)
    found = []
    for table in reading.tables():
        event_ns, known_ns = table.iso_times("date"), table.iso_times("release_time")
        found.append(_good(table, event_ns, known_ns, table.numbers("value")))
    lines, event_ns, known_ns, value = _joined(path, found)
    return reading.file([Points(MACRO, name, lines, event_ns, known_ns, value)])


def _good(table: _Table, *columns: I64 | F64) -> tuple[Any, ...]:
    """Line numbers and columns of the good rows."""
    return tuple(column[table.good] for column in (table.lines.number, *columns))


def _joined(path: Path, found: list[tuple[Any, ...]]) -> list[Any]:
    """The columns of all blocks, concatenated."""
    if not sum(len(part[0]) for part in found):
        raise DataError(f"{path}: has no values")
    return [np.concatenate(column) for column in zip(*found, strict=True)]
