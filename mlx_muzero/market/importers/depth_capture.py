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
from mlx_muzero.market.importers.order_book import OrderBook
from mlx_muzero.market.importers.report import Progress
from mlx_muzero.market.importers.series_source import Points, SeriesFile, series_file
from mlx_muzero.market.series import BOOK_IMBALANCE
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS

FIRST_LINE = re.compile(r"\d{19} \{")

SECONDS_NEEDED = 30
"""Number of seconds with a known book that a minute needs to have a value."""

QUIET_NS = 5_000_000_000
"""Time without a message after which the book is no longer known."""

# 50 times the length of a snapshot of five thousand levels.
_LONGEST_LINE = 16 << 20
_MS = 1_000_000
_LAST_MS = (2**63 - 1) // _MS


def read_depth_capture(path: Path, symbol: Symbol | None, progress: Progress | None) -> SeriesFile:
    """The imbalance of every minute: the mean of `OrderBook.imbalance` over its whole seconds.

    At second s the book includes the messages stamped before s. A minute is known at its close.

    Raises:
        DataError: a line cannot be read, there is no snapshot, or the streams are of another
            symbol or of several.
    """
    book = OrderBook()
    sampled: dict[int, list[float]] = {}
    due_ns = last_ns = 0
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
            now_ns = _time_ns(data["E"]) if "E" in data else last_ns
            if now_ns - last_ns > QUIET_NS:
                due_ns = now_ns - now_ns % SECOND_NS + SECOND_NS
            while due_ns <= now_ns:
                _sample(book, due_ns, sampled)
                due_ns += SECOND_NS
            last_ns = max(last_ns, now_ns)
            book.snapshot(data) if kind == "snapshot" else book.update(data)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise DataError(f"{path}:{line}: not an order book message: {error!r}") from error
    if symbol is None or not sampled:
        raise DataError(
            f"{path}: the book is never known: the file needs depth messages and a snapshot"
        )
    return _by_minute(path, symbol, count, sampled, book.breaks)


def _time_ns(time_ms: Any) -> int:
    if not 0 <= int(time_ms) <= _LAST_MS:
        raise ValueError(f"{time_ms} ms is not a time")
    return int(time_ms) * _MS


def _sample(book: OrderBook, time_ns: int, sampled: dict[int, list[float]]) -> None:
    imbalance = book.imbalance()
    if imbalance is not None:
        # The book at the end of a minute belongs to that minute.
        sampled.setdefault((time_ns - 1) // MINUTE_NS, []).append(imbalance)


def _by_minute(
    path: Path, symbol: str, count: int, sampled: dict[int, list[float]], breaks: int
) -> SeriesFile:
    full = {m: values for m, values in sampled.items() if len(values) >= SECONDS_NEEDED}
    opens = np.array(sorted(full), np.int64) * MINUTE_NS
    value = np.array([np.mean(full[minute]) for minute in sorted(full)])
    lines = np.arange(len(opens))
    points = Points(symbol, BOOK_IMBALANCE, lines, opens, opens + MINUTE_NS, value)
    file = series_file(path, count, [points])
    if len(full) < len(sampled):
        left_out = len(sampled) - len(full)
        file.notes.append(
            f"{left_out} minutes have fewer than {SECONDS_NEEDED} seconds of a known book"
        )
    if breaks:
        file.notes.append(
            f"messages are missing in {breaks} places; there the book becomes unknown"
        )
    return file


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
