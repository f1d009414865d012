"""Reads the rows of a block of text by its layout: times, numbers, and which cannot be read."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mlx_muzero.errors import DataError
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
from mlx_muzero.market.importers.rejects import RejectedRows, RowFilter, cut_rows
from mlx_muzero.market.importers.text_layout import TextLayout
from mlx_muzero.types import F64, I64

# Rows of a block used to detect the pattern of its stamps.
_SAMPLED = 1000
_FRACTION = re.compile(r"[.,]f+")
_COMMA, _POINT = np.uint8(ord(",")), np.uint8(ord("."))


@dataclass(frozen=True)
class TextRows:
    """The rows of a block, and which of them are good.

    Attributes:
        layout: where the rows have their columns.
        fields: the rows, cut at the delimiter.
        marks: marks the bad rows.
        miscut: rejected lines with another number of fields.
    """

    layout: TextLayout
    fields: Fields
    marks: RowFilter
    miscut: RejectedRows

    @classmethod
    def cut(cls, layout: TextLayout, lines: Lines) -> "TextRows":
        """The rows of `lines`."""
        if layout.has_decimal_comma:
            lines = replace(lines, data=np.where(lines.data == _COMMA, _POINT, lines.data))
        fields, miscut = cut_rows(lines, layout.delimiter, layout.fields)
        return cls(layout, fields, RowFilter(fields.lines.number), miscut)

    @property
    def lines(self) -> Lines:
        """The rows' lines."""
        return self.fields.lines

    def span(self, first: int, last: int | None = None) -> tuple[I64, I64]:
        """Start and end bytes of fields `first` to `last`, inclusive, without quotes."""
        span = self.fields.span(first, last)
        return unquoted(self.lines.data, *span) if self.layout.is_quoted else span

    def times(self) -> I64:
        """``i64[T]`` times in nanoseconds; rows whose time cannot be read are bad."""
        start, end = self.span(*self.layout.time)
        pattern = pattern_of(self.layout, self.lines, (start, end))
        wall, known = stamps(self.lines.data, start, end, pattern)
        whole_second = _FRACTION.sub("", pattern)
        if whole_second != pattern:
            # Python leaves out a fraction that is zero.
            rest = np.flatnonzero(~known)
            wall[rest], known[rest] = stamps(self.lines.data, start[rest], end[rest], whole_second)
        accepted = ", ".join(pattern_text(pattern) for pattern in self.layout.patterns)
        self.marks.reject(~known, f"the time cannot be read (accepted: {accepted})")
        return wall + self.layout.day_ns

    def numbers(self, name: str, place: int, may_be_blank: bool = False) -> F64:
        """``f64[T]`` numbers of one field, NaN where blank; rows without a number are bad."""
        start, end = self.span(place)
        values, known = decimals(self.lines.data, start, end)
        if may_be_blank:
            blank = start >= end
            values[blank] = np.nan
            known |= blank
        self.marks.reject(~known, f"{name} is not a number")
        return values

    def require_symbols(self) -> None:
        """Mark the rows that lack a symbol, if they should have one."""
        if self.layout.symbol is not None:
            start, end = self.span(self.layout.symbol)
            self.marks.reject(start >= end, "the symbol is missing")

    def rejected(self) -> RejectedRows:
        """The rejected rows and lines."""
        return self.miscut + self.marks.rejected(self.lines.text)


def rows_among(layout: TextLayout, lines: Lines) -> Lines:
    """The rows among the first `lines` of a file."""
    return lines.take(lines.number >= layout.first_line)


def has_zone(layout: TextLayout, head: Lines) -> bool:
    """Whether the times in the first lines of a file identify their moments in UTC."""
    rows, span = _time_spans(layout, head)
    return layout.is_zoned(pattern_of(layout, rows, span))


def with_one_pattern(path: Path, layout: TextLayout) -> TextLayout:
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


def pattern_of(layout: TextLayout, lines: Lines, span: tuple[I64, I64]) -> str:
    """The pattern that fits most of the first stamps."""
    start, end = (edge[:_SAMPLED] for edge in span)
    known = {p: int(stamps(lines.data, start, end, p)[1].sum()) for p in layout.patterns}
    return max(known, key=known.__getitem__)


def _time_spans(layout: TextLayout, lines: Lines) -> tuple[Lines, tuple[I64, I64]]:
    """The rows among `lines` that have a time, and the first and last byte of each."""
    rows = rows_among(layout, lines)
    counts = count_fields(rows, layout.delimiter)
    # One more, as a line without a delimiter has no time of its own.
    wanted = min(layout.time[1] + 2, layout.fields)
    fields = Fields.cut(rows.take(counts >= wanted), layout.delimiter, wanted)
    span = fields.span(*layout.time)
    return fields.lines, unquoted(rows.data, *span) if layout.is_quoted else span
