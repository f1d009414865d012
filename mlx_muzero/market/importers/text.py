"""Reads text files of bars, packed or not, a few megabytes at a time."""

import codecs
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import PRICE_COLUMNS
from mlx_muzero.market.importers.blocks import line_blocks
from mlx_muzero.market.importers.fields import (
    Fields,
    Lines,
    count_fields,
    decimals,
    pattern_text,
    stamps,
    unquoted,
)
from mlx_muzero.market.importers.file_names import symbol_in_file
from mlx_muzero.market.importers.formats import (
    BINANCE_COLUMNS,
    FREQTRADE_JSON,
    NINJATRADER,
    TEXT_FORMATS,
    TextFormat,
    header_columns,
    is_ask_file,
)
from mlx_muzero.market.importers.json_rows import open_json_rows
from mlx_muzero.market.importers.named_columns import (
    JFOREX,
    MT5,
    NAMED_FORMATS,
    named_layout,
)
from mlx_muzero.market.importers.packed import TextStream, open_text
from mlx_muzero.market.importers.rejects import RowFilter, cut_rows
from mlx_muzero.market.importers.source import Chunk, reject_faults
from mlx_muzero.market.importers.text_layout import TextLayout
from mlx_muzero.market.week_edges import Stamps
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64

# Far longer than any row: a text without a line break in it does not hold bars.
_LONGEST_LINE = 64 * 1024
# Rows of a block used to detect the pattern of its stamps.
_SAMPLED = 1000
_COMMA, _POINT = np.uint8(ord(",")), np.uint8(ord("."))


@dataclass
class TextSource:
    """Implements `BarSource` for every text format of bars.

    Attributes:
        layout: where the file has its columns.
    """

    path: Path
    format: str
    layout: TextLayout
    size: int
    zoned: bool
    clock: str | None
    stamps: Stamps | None
    symbols: tuple[Symbol, ...] = ()
    ask_only: bool = False
    shortest_row: int = 16

    @classmethod
    def open(
        cls,
        path: Path,
        format_name: str,
        symbol: str | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> "TextSource":
        """A source for the file at `path`.

        Args:
            path: the file.
            format_name: a key of `TEXT_FORMATS` or `NAMED_FORMATS`.
            symbol: the symbol, if the user gave it.
            columns: columns of the file that the user named, by what they hold.

        Raises:
            DataError: no header names the columns, or its times cannot be read.
        """
        with _opener(format_name)(path) as stream:
            head, size = stream.read(_LONGEST_LINE), stream.size
        vendor = TEXT_FORMATS.get(format_name)
        if vendor is None:
            text = head.decode("utf-8-sig", "replace")
            layout, clock = named_layout(path, text, columns or {}), None
        else:
            layout, clock = _vendor_layout(path, vendor, head), vendor.clock
        if len(layout.patterns) > 1 and layout.is_named:
            layout = _with_one_pattern(path, layout)
        has_ask = "close_ask" in layout.columns
        return cls(
            path,
            format_name,
            layout,
            size,
            zoned=_is_zoned(layout, Lines.split(head, 1)),
            clock=layout.clock or clock,
            stamps=_STAMPS.get(format_name) if vendor is None else vendor.stamps,
            symbols=()
            if symbol is not None or layout.symbol is None
            else (symbol_in_file(path, layout.symbol[1]),),
            ask_only=is_ask_file(path) and not has_ask and format_name in _OF_ONE_SIDE,
        )

    def __post_init__(self) -> None:
        self._flats = 0

    @property
    def notes(self) -> list[str]:
        """See `BarSource`."""
        notes = list(self.layout.notes)
        if self.ask_only:
            notes.append("the file name says ask: its prices are added to stored bid bars")
        if self._flats:
            notes.append(f"{self._flats:,} minutes without a tick were left out")
        return notes

    def chunks(self) -> Iterator[Chunk]:
        """See `BarSource`."""
        first, self._flats = True, 0
        for lines, done, _ in line_blocks(self.path, _opener(self.format)):
            yield self._parse(_rows(self.layout, lines) if first else lines, done)
            first = False

    def _parse(self, lines: Lines, done: int) -> Chunk:
        layout = self.layout
        if layout.has_decimal_comma:
            lines = replace(lines, data=np.where(lines.data == _COMMA, _POINT, lines.data))
        fields, miscut = cut_rows(lines, layout.delimiter, layout.fields)
        lines = fields.lines
        rows = RowFilter(lines.number)
        self._require_symbol(fields)
        span = self._span(fields, *layout.time)
        wall, known = stamps(lines.data, *span, _pattern(layout, lines, span))
        accepted = ", ".join(pattern_text(pattern) for pattern in layout.patterns)
        rows.reject(~known, f"the time cannot be read (accepted: {accepted})")
        rows.reject(wall % MINUTE_NS != 0, "the time is not a whole minute")
        columns = {}
        for name, place in layout.columns.items():
            columns[name] = self._numbers(fields, name, place, rows)
        if layout.spread is not None:
            points = self._numbers(fields, "spread", layout.spread.field, rows)
            rows.reject(points < 0, "the spread is negative")
            above = np.where(points == 0, np.nan, points) * layout.spread.point
            for name in PRICE_COLUMNS:
                columns[f"{name}_ask"] = np.round(columns[name] + above, layout.spread.digits)
        flat = np.zeros(len(wall), bool)
        if layout.leaves_flats:
            flat = (columns["volume"] == 0) & (columns["high"] == columns["low"])
        if self.ask_only:
            columns = {f"{name}_ask": columns[name] for name in PRICE_COLUMNS}
        reject_faults(rows, columns)
        self._flats += int((flat & rows.good).sum())
        good = np.flatnonzero(rows.good & ~flat)
        if layout.is_named and not _is_monotonic(wall[good]):
            good = good[np.argsort(wall[good], kind="stable")]
        return Chunk(
            self.symbols[0] if self.symbols else None,
            wall[good],
            lines.number[good],
            {name: values[good] for name, values in columns.items()},
            miscut + rows.rejected(lines.text),
            done,
        )

    def _span(self, fields: Fields, first: int, last: int | None = None) -> tuple[I64, I64]:
        span = fields.span(first, last)
        return unquoted(fields.lines.data, *span) if self.layout.is_quoted else span

    def _numbers(self, fields: Fields, name: str, place: int, rows: RowFilter) -> F64:
        start, end = self._span(fields, place)
        values, known = decimals(fields.lines.data, start, end)
        if self.layout.is_named and name not in PRICE_COLUMNS:
            blank = start >= end
            values[blank] = np.nan
            known |= blank
        rows.reject(~known, f"{name} is not a number")
        return values

    def _require_symbol(self, fields: Fields) -> None:
        """Raise DataError if a row is of another symbol than the first."""
        if self.layout.symbol is None:
            return
        place, name = self.layout.symbol
        start, end = self._span(fields, place)
        expected = np.frombuffer(name.encode(), np.uint8)
        same = end - start == len(expected)
        for j, byte in enumerate(expected):
            same &= fields.lines.data[np.minimum(start + j, len(fields.lines.data) - 1)] == byte
        for row in np.flatnonzero(~same)[:1]:
            other = fields.lines.data[start[row] : end[row]].tobytes().decode("utf-8", "replace")
            raise DataError(
                f"{self.path}:{fields.lines.number[row]}: the symbol is {other[:40]!r}, before it"
                f" was {name!r}: split the file by symbol, or write it as parquet, which may hold"
                " many"
            )


_OF_ONE_SIDE = ("fxcm", NINJATRADER, *NAMED_FORMATS)
_STAMPS: Mapping[str, Stamps] = {MT5: "open", JFOREX: "open"}


def _opener(format_name: str) -> Callable[[Path], AbstractContextManager[TextStream]]:
    return open_json_rows if format_name == FREQTRADE_JSON else open_text


def _vendor_layout(path: Path, vendor: TextFormat, head: bytes) -> TextLayout:
    """The layout of a file of `vendor`, which begins with `head`.

    Raises:
        DataError: the vendor's files have a header, and it has none.
    """
    rows = Lines.split(head.removeprefix(codecs.BOM_UTF8), 1)
    first = rows.text(0, _LONGEST_LINE) if len(rows.start) else ""
    columns, has_header = vendor.columns, tuple(first.split(",")) == BINANCE_COLUMNS
    if not columns:
        named = header_columns(first)
        if named is None:
            raise DataError(f"{path}:1: no header with timestamp, open, high, low, close")
        columns, has_header = named, True
    places = {name: place for place, name in enumerate(columns, vendor.stamp_fields) if name}
    return TextLayout(
        delimiter=vendor.delimiter,
        fields=vendor.stamp_fields + len(columns),
        time=(0, vendor.stamp_fields - 1),
        columns=places,
        patterns=vendor.patterns,
        first_line=int(rows.number[0]) + 1 if has_header else 1,
    )


def _is_zoned(layout: TextLayout, head: Lines) -> bool:
    rows, span = _time_spans(layout, head)
    return layout.is_zoned(_pattern(layout, rows, span))


def _with_one_pattern(path: Path, layout: TextLayout) -> TextLayout:
    """`layout` with one of its patterns, which the first date tells that does not fit them all.

    Raises:
        DataError: every date fits more than one.
    """
    for lines, _, _ in line_blocks(path):
        rows, span = _time_spans(layout, lines)
        known = {p: int(stamps(rows.data, *span, p)[1].sum()) for p in layout.patterns}
        if len(set(known.values())) > 1:
            return replace(layout, patterns=(max(known, key=known.__getitem__),))
    either = " or ".join(pattern_text(pattern) for pattern in layout.patterns)
    raise DataError(
        f"{path}:{layout.first_line}: its times may be {either}, and no date in it tells: write"
        " them as YYYY-MM-DD, or add rows of another day"
    )


def _rows(layout: TextLayout, lines: Lines) -> Lines:
    """The rows among the first `lines` of a file."""
    return lines.take(lines.number >= layout.first_line)


def _time_spans(layout: TextLayout, lines: Lines) -> tuple[Lines, tuple[I64, I64]]:
    """The rows among `lines` that have a time, and the first and last byte of each."""
    rows = _rows(layout, lines)
    counts = count_fields(rows, layout.delimiter)
    # One more, as a line without a delimiter has no time of its own.
    wanted = min(layout.time[1] + 2, layout.fields)
    fields = Fields.cut(rows.take(counts >= wanted), layout.delimiter, wanted)
    span = fields.span(*layout.time)
    return fields.lines, unquoted(rows.data, *span) if layout.is_quoted else span


def _is_monotonic(times: I64) -> bool:
    steps = np.diff(times)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _pattern(layout: TextLayout, lines: Lines, span: tuple[I64, I64]) -> str:
    """The pattern that fits most of the first stamps."""
    start, end = (edge[:_SAMPLED] for edge in span)
    known = {p: int(stamps(lines.data, start, end, p)[1].sum()) for p in layout.patterns}
    return max(known, key=known.__getitem__)
