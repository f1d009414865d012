"""Reads captures of an order book as its imbalance in every minute.

A capture is gzipped text with one message per line: ``<local time ns> <JSON>``, where the JSON is
from Binance's combined stream (``depth`` differences; other streams are skipped) or a REST snapshot
of the book. Messages are timed by the exchange's clock, not the local one.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.book_imbalance import SECONDS_NEEDED, BookMinutes
from mlx_muzero.market.importers.order_book import OrderBook
from mlx_muzero.market.importers.report import Progress
from mlx_muzero.market.importers.series_source import Points, SeriesFile, series_file
from mlx_muzero.market.series import BOOK_IMBALANCE
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.words import counted

FIRST_LINE = re.compile(r"\d{19} \{")

# 50 times the length of a snapshot of five thousand levels.
_LONGEST_LINE = 16 << 20
_MS = 1_000_000
_LAST_MS = (2**63 - 1) // _MS


def read_depth_capture(path: Path, symbol: Symbol | None, progress: Progress | None) -> SeriesFile:
    """The imbalance of every minute, as `market.book_imbalance` defines it.

    Raises:
        DataError: a line cannot be read, there is no snapshot, or the streams are of another
            symbol or of several.
    """
    book, minutes = OrderBook(), BookMinutes()
    count = 0
    for line, message in _messages(path, progress):
        count += 1
        try:
            if "lastUpdateId" in message:
                kind, data = "snapshot", message
            elif "@depth" in message["stream"]:
                kind, data = "update", message["data"]
                symbol = _same_symbol(symbol, Symbol(data["s"]), f"{path}:{line}")
            else:
                continue
            # Futures snapshots have a time, spot snapshots do not.
            now_ns = _time_ns(data["E"]) if "E" in data else minutes.last_ns
            minutes.advance(now_ns, book.imbalance)
            book.snapshot(data) if kind == "snapshot" else book.update(data)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise DataError(f"{path}:{line}: not an order book message: {error!r}") from error
    found = minutes.take(ended=True)
    if symbol is None or not (found or minutes.skipped):
        raise DataError(
            f"{path}: the book is never known: the file needs depth messages and a snapshot"
        )
    opens = np.array([open_ns for open_ns, _ in found], np.int64)
    value = np.array([mean for _, mean in found])
    lines = np.arange(len(opens))
    points = Points(symbol, BOOK_IMBALANCE, lines, opens, opens + MINUTE_NS, value)
    file = series_file(path, count, [points])
    if minutes.skipped:
        file.notes.append(
            f"the book was known for fewer than {SECONDS_NEEDED} seconds in "
            f"{counted(minutes.skipped, 'minute')}, left out"
        )
    if book.breaks:
        file.notes.append(
            f"messages are missing in {counted(book.breaks, 'place')}; there the book becomes "
            "unknown"
        )
    return file


def _time_ns(time_ms: Any) -> int:
    if not 0 <= int(time_ms) <= _LAST_MS:
        raise ValueError(f"{time_ms} ms is not a time")
    return int(time_ms) * _MS


def _messages(path: Path, progress: Progress | None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    size = path.stat().st_size
    try:
        with path.open("rb") as packed, gzip.open(packed, "rt", encoding="utf-8") as text:
            for line, row in enumerate(iter(lambda: text.readline(_LONGEST_LINE), ""), 1):
                if len(row) == _LONGEST_LINE:
                    raise DataError(
                        f"{path}:{line}: a line has {_LONGEST_LINE:,} characters or more"
                    )
                if not FIRST_LINE.match(row):
                    raise DataError(
                        f"{path}:{line}: not a time and an order book message: {row[:60]!r}"
                    )
                try:
                    message = json.loads(row[20:])
                except (ValueError, RecursionError) as error:
                    raise DataError(f"{path}:{line}: not JSON ({error})") from error
                yield line, message
                if progress is not None and line % 10_000 == 0:
                    progress(packed.tell(), size)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def _same_symbol(known: Symbol | None, named: Symbol, where: str) -> Symbol:
    if known not in (None, named):
        raise DataError(f"{where}: a message for {named}; expected {known}")
    return named
