"""Reads the csv files of series: Binance's trades, funding and metrics; macro figures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import MINUTE_NS, utc_ns
from mlx_muzero.market.importers.blocks import line_blocks
from mlx_muzero.market.importers.fields import EPOCH, Fields, Lines, count_fields, decimals, stamps
from mlx_muzero.market.importers.formats import AGGREGATE_COLUMNS, header_names
from mlx_muzero.market.importers.report import Progress
from mlx_muzero.market.importers.series_source import Points, SeriesFile, series_file
from mlx_muzero.market.series import (
    FUNDING_RATE,
    MACRO,
    MAX_AGE_NS,
    OPEN_INTEREST,
    TAKER_BUY_SHARE,
    TRADE_COUNT,
)
from mlx_muzero.types import F64, I64, Bool

_METRICS_STAMP = "YYYY-MM-DD hh:mm:ss"
_MACRO_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TRUE, _FALSE = ord("t"), ord("f")


@dataclass(frozen=True)
class _Table:
    """Rows of one block, its fields by the header's names; reads them or says which line fails."""

    path: Path
    lines: Lines
    fields: Fields
    names: tuple[str, ...]

    def numbers(self, name: str) -> F64:
        values, known = decimals(self.lines.data, *self._span(name))
        self.require(known, f"{name} is not a number")
        return values

    def times(self, name: str, pattern: str) -> I64:
        times, known = stamps(self.lines.data, *self._span(name), pattern)
        self.require(known, f"{name} is not a time")
        return times

    def flags(self, name: str) -> Bool:
        """Where a field says "true", in any case."""
        start, end = self._span(name)
        letter = self.lines.data[start] | 0x20
        self.require(
            ((letter == _TRUE) & (end - start == 4)) | ((letter == _FALSE) & (end - start == 5)),
            f"{name} is neither true nor false",
        )
        return letter == _TRUE

    def texts(self, name: str) -> list[str]:
        spans = zip(*self._span(name), strict=True)
        return [self.lines.data[a:b].tobytes().decode("utf-8", "replace") for a, b in spans]

    def require(self, good: Bool, reason: str) -> None:
        """DataError at the first row that is not `good`."""
        for row in np.flatnonzero(~good)[:1]:
            line = f"{self.path}:{self.lines.number[row]}"
            raise DataError(f"{line}: {reason}: {self.lines.text(int(row))}")

    def _span(self, name: str) -> tuple[I64, I64]:
        return self.fields.span(self.names.index(name))


def _tables(path: Path, progress: Progress | None) -> Iterator[_Table]:
    """Blocks of rows; a file that begins with a number has no header and holds trades."""
    names: tuple[str, ...] = ()
    size = path.stat().st_size
    for lines, done in line_blocks(path):
        if not names and len(lines.start):
            names = header_names(lines.text(0, 4096))
            if names[0].isdigit():
                names = (*AGGREGATE_COLUMNS, *names[len(AGGREGATE_COLUMNS) :])
            else:
                lines = lines.take(np.arange(1, len(lines.start)))
        counts = count_fields(lines, b",")
        for row in np.flatnonzero(counts != len(names))[:1]:
            raise DataError(
                f"{path}:{lines.number[row]}: {counts[row]} fields, expected {len(names)}: "
                f"{lines.text(int(row))}"
            )
        yield _Table(path, lines, Fields.cut(lines, b",", len(names)), names)
        if progress is not None:
            progress(min(done, size), size)


def read_aggregate_trades(path: Path, symbol: str, progress: Progress | None) -> SeriesFile:
    """Binance ``aggTrades``: share of the volume bought by takers, and trades, of every minute.

    The taker sells where the buyer is the maker. A minute is known at its close; one without
    trades has no share.
    """
    rows = 0
    parts = []
    for table in _tables(path, progress):
        time_ns = table.times("transact_time", EPOCH)
        quantity = table.numbers("quantity")
        first, last = table.numbers("first_trade_id"), table.numbers("last_trade_id")
        table.require(quantity > 0.0, "the quantity is not positive")
        table.require(last >= first, "the last trade comes before the first")
        bought = np.where(table.flags("is_buyer_maker"), 0.0, quantity)
        rows += len(quantity)
        minute, inverse = np.unique(time_ns // MINUTE_NS, return_inverse=True)
        sums = [np.bincount(inverse, column) for column in (bought, quantity, last - first + 1)]
        parts.append((minute, *sums))
    minute, inverse = np.unique(np.concatenate([p[0] for p in parts]), return_inverse=True)
    bought, traded, count = (
        np.bincount(inverse, np.concatenate([part[k] for part in parts])) for k in (1, 2, 3)
    )
    opens = minute * MINUTE_NS
    lines = np.arange(len(minute))
    columns = ((TAKER_BUY_SHARE, bought / traded), (TRADE_COUNT, count.astype(np.float64)))
    points = [Points(symbol, n, lines, opens, opens + MINUTE_NS, v) for n, v in columns]
    return series_file(path, rows, points)


def read_funding(path: Path, symbol: str, progress: Progress | None) -> SeriesFile:
    """Binance ``fundingRate``: the rate of each settlement, known when it settles."""
    tables = list(_tables(path, progress))
    time_ns = np.concatenate([t.times("calc_time", EPOCH) for t in tables])
    rates = []
    for table in tables:
        rate = table.numbers("last_funding_rate")
        table.require(np.abs(rate) < 1.0, "the rate is not below 1")
        rates.append(rate)
    lines = np.concatenate([t.lines.number for t in tables])
    rate = np.concatenate(rates)
    points = Points(symbol, FUNDING_RATE, lines, time_ns, time_ns, rate)
    return series_file(path, len(rate), [points])


def read_metrics(path: Path, symbol: str, progress: Progress | None) -> SeriesFile:
    """Binance ``metrics``: open interest every five minutes, known when it was taken."""
    found = []
    for table in _tables(path, progress):
        time_ns = table.times("create_time", _METRICS_STAMP)
        interest = table.numbers("sum_open_interest")
        table.require(interest >= 0.0, "the open interest is negative")
        named = np.array([text.upper() == symbol for text in table.texts("symbol")], bool)
        table.require(named, f"the symbol is not {symbol}")
        found.append((table.lines.number, time_ns, interest))
    lines, time_ns, interest = (np.concatenate(column) for column in zip(*found, strict=True))
    points = Points(symbol, OPEN_INTEREST, lines, time_ns, time_ns, interest)
    return series_file(path, len(interest), [points])


def read_macro(path: Path, name: str, progress: Progress | None) -> SeriesFile:
    """Macro figures ``date,value,release_time``: each is known from its release on, not before.

    A revision is another row of the same date with a later release. Times that name no offset are
    UTC.
    """
    if not _MACRO_NAME.fullmatch(name) or name in MAX_AGE_NS:
        raise DataError(
            f"{path}: {name!r} cannot name a macro series: give one of small letters, digits and _ "
            f"as --symbol, other than {', '.join(MAX_AGE_NS)}"
        )
    tables = list(_tables(path, progress))
    event_ns = np.concatenate([_iso_times(table, "date") for table in tables])
    known_ns = np.concatenate([_iso_times(table, "release_time") for table in tables])
    value = np.concatenate([table.numbers("value") for table in tables])
    lines = np.concatenate([table.lines.number for table in tables])
    return series_file(path, len(value), [Points(MACRO, name, lines, event_ns, known_ns, value)])


def _iso_times(table: _Table, name: str) -> I64:
    times = []
    for row, text in enumerate(table.texts(name)):
        try:
            times.append(utc_ns(text.strip()))
        except ValueError:
            line = f"{table.path}:{table.lines.number[row]}"
            raise DataError(f"{line}: {name} is not an ISO 8601 time: {text}") from None
    return np.array(times, np.int64)
