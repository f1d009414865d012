"""Reads candles that were saved from an exchange as JSON, one page or many after another."""

import json
import re
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers.candle_pages import CONFIRMED, EXCHANGES, TIME, Page
from mlx_muzero.market.importers.fields import epoch_ns
from mlx_muzero.market.importers.file_names import symbol_in_file
from mlx_muzero.market.importers.packed import open_text
from mlx_muzero.market.importers.rejects import NO_ROWS, RowFilter
from mlx_muzero.market.importers.source import Chunk, reject_faults
from mlx_muzero.market.week_edges import Stamps
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64, Bool

# Candles as JSON take six times as much memory as text.
_MOST_BYTES = 64 << 20
_BLANKS = re.compile(r"[ \t\r\n]*")
_SHOWN = 80
_NONE = np.empty(0, np.int64)


@dataclass
class CandlesSource:
    """Implements `BarSource` for pages of candles."""

    path: Path
    format: str
    pages: list[Page]
    symbols: tuple[Symbol, ...]
    size: int
    clock: str | None = "UTC"
    zoned: bool = True
    stamps: Stamps | None = "open"
    ask_only: bool = False
    shortest_row: int = 1

    @classmethod
    def open(cls, path: Path, format_name: str, symbol: str | None) -> Self:
        """A source for the file at `path`.

        Args:
            path: the file.
            format_name: a key of `EXCHANGES`.
            symbol: the symbol, if the user gave it.

        Raises:
            DataError: it is not JSON, too large, not of that exchange, or of several symbols.
        """
        pages = [_page(path, format_name, answer) for answer in _answers(path)]
        names = {page.symbol for page in pages if page.symbol is not None and symbol is None}
        symbols = tuple(sorted({symbol_in_file(path, name) for name in names}))
        if len(symbols) > 1:
            raise DataError(
                f"{path}: its pages are of {', '.join(symbols)}: keep each symbol in a file of its"
                " own"
            )
        return cls(path, format_name, pages, symbols, sum(len(page.rows) for page in pages))

    def __post_init__(self) -> None:
        self._open = self._doubtful = 0
        self._newest: list[I64] = []

    @property
    def notes(self) -> list[str]:
        """See `BarSource`."""
        notes = list({page.note: None for page in self.pages if page.note})
        if self._open:
            notes.append(f"{_candles(self._open)} not finished yet, and left out")
        if self._doubtful:
            notes.append(
                f"{_candles(self._doubtful)} left out, as the newest of a page may not have been"
                " finished when it was saved: let pages overlap by one"
            )
        return notes

    def chunks(self) -> Iterator[Chunk]:
        """See `BarSource`; the candles of all pages, oldest first."""
        self._open, self._newest = 0, []
        ends = np.cumsum([len(page.rows) for page in self.pages]).tolist()
        parts = [
            self._parsed(page, np.arange(end - len(page.rows), end) + 1)
            for page, end in zip(self.pages, ends, strict=True)
            if page.rows
        ]
        if not parts:
            return
        joined = _joined(parts)
        self._doubtful = len(np.setdiff1d(np.concatenate([_NONE, *self._newest]), joined.wall_ns))
        if not len(joined.wall_ns) and self.notes:
            raise DataError(f"{self.path}: no candle is left: {'; '.join(self.notes)}")
        yield joined

    def _parsed(self, page: Page, lines: I64) -> Chunk:
        marks = RowFilter(lines)
        wanted = len(page.columns)
        fitting = np.array([isinstance(row, list) and len(row) == wanted for row in page.rows])
        marks.reject(~fitting, f"it does not have {wanted} values")
        values: dict[str, F64] = {}
        for field, name in enumerate(page.columns):
            if name:
                pairs = zip(page.rows, fitting, strict=True)
                values[name], known = _numbers([row[field] if fits else 0 for row, fits in pairs])
                marks.reject(~known, f"{name} is not a number")
        opens, known = _times(values.pop(TIME))
        marks.reject(~known, "the time is not a count since 1970")
        marks.reject(opens % MINUTE_NS != 0, "the time is not a whole minute")
        reject_faults(marks, values)
        finished = self._finished(page, opens, values.pop(CONFIRMED, None), marks.good)
        good = marks.good & finished
        return Chunk(
            self.symbols[0] if self.symbols else None,
            opens[good],
            lines[good],
            {name: column[good] for name, column in values.items()},
            marks.rejected(lambda row: json.dumps(page.rows[row])[:_SHOWN]),
            self.size,
        )

    def _finished(self, page: Page, opens: I64, confirmed: F64 | None, good: Bool) -> Bool:
        """Which candles were finished when the page was saved, for certain; counts the others."""
        if confirmed is not None:
            finished = confirmed != 0
        elif page.finished_ns is not None:
            finished = opens <= page.finished_ns
        else:
            finished = opens != opens[good].max(initial=0)
            self._newest.append(opens[good & ~finished])
            return finished
        self._open += int((good & ~finished).sum())
        return finished


def _joined(parts: list[Chunk]) -> Chunk:
    """The rows of all `parts` in time order; those of the same minute stay in theirs."""
    opens = np.concatenate([part.wall_ns for part in parts])
    order = np.argsort(opens, kind="stable")
    columns = {
        name: np.concatenate([part.columns[name] for part in parts])[order]
        for name in parts[0].columns
    }
    lines = np.concatenate([part.lines for part in parts])[order]
    rejected = sum((part.rejected for part in parts), NO_ROWS)
    return replace(parts[0], wall_ns=opens[order], lines=lines, columns=columns, rejected=rejected)


def _candles(count: int) -> str:
    return "1 candle was" if count == 1 else f"{count:,} candles were"


def _numbers(cells: list[Any]) -> tuple[F64, Bool]:
    """Numbers, or texts of numbers; and which of `cells` are."""
    values = np.zeros(len(cells))
    known = np.ones(len(cells), bool)
    for row, cell in enumerate(cells):
        try:
            values[row] = float(cell)
        except (TypeError, ValueError, OverflowError):
            known[row] = False
    return values, known


def _times(counts: F64) -> tuple[I64, Bool]:
    # A float holds a count of up to 16 digits, microseconds, exactly.
    whole = np.abs(counts) < 2.0**53
    times, known = epoch_ns(np.where(whole, counts, 0.0).astype(np.int64))
    return times, known & whole & (counts == np.floor(counts))


def _page(path: Path, format_name: str, answer: Any) -> Page:
    try:
        return EXCHANGES[format_name].page(answer)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise DataError(
            f"{path}: not candles of {format_name} ({error}); it begins {reprlib.repr(answer)}"
        ) from error


def _answers(path: Path) -> Iterator[Any]:
    """The JSON values in a file, one after another."""
    blocks, size = [], 0
    with open_text(path) as stream:
        while block := stream.read(1 << 20):
            blocks.append(block)
            size += len(block)
            if size > _MOST_BYTES:
                raise DataError(
                    f"{path}: more than {_MOST_BYTES >> 20} MiB of JSON: split it into several"
                    " files, or write it as csv"
                )
    text = b"".join(blocks).decode("utf-8-sig", "replace")
    decoder, place = json.JSONDecoder(), _after_blanks(text, 0)
    while place < len(text):
        try:
            answer, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, place) + 1
            raise DataError(f"{path}:{line}: not JSON ({error})") from error
        yield answer
        place = _after_blanks(text, end)


def _after_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place
