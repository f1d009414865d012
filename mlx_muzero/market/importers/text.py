"""Reads vendors' CSV files, plain or zipped, a few megabytes at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
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
    is_zoned,
    stamps,
)
from mlx_muzero.market.importers.formats import (
    BINANCE_COLUMNS,
    TEXT_FORMATS,
    TextFormat,
    header_columns,
    is_ask_file,
)
from mlx_muzero.market.importers.packed import open_text
from mlx_muzero.market.importers.rejects import RowFilter, cut_rows
from mlx_muzero.market.importers.source import Chunk, reject_faults
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import I64

# Far longer than any row: a text without a line break in it does not hold bars.
_LONGEST_LINE = 64 * 1024
# Rows of a block used to detect the pattern of its stamps.
_SAMPLED = 1000


@dataclass
class TextSource:
    """Implements `BarSource` for every `TextFormat`."""

    path: Path
    layout: TextFormat
    size: int = 0
    zoned: bool = False
    ask_only: bool = False
    shortest_row: int = 16
    notes: list[str] = field(default_factory=list)
    symbols: tuple[Symbol, ...] = ()

    @classmethod
    def open(cls, path: Path, format_name: str) -> "TextSource":
        """A source for the file at `path`, in the format `format_name`."""
        layout = TEXT_FORMATS[format_name]
        source = cls(path, layout)
        with open_text(path) as (stream, size):
            source.size = size
            head = stream.read(_LONGEST_LINE)
        source._columns = source._read_header(head)
        source.zoned = source._is_zoned(head)
        has_ask = "close_ask" in source._columns
        source.ask_only = is_ask_file(path) and not has_ask and format_name == "fxcm"
        if source.ask_only:
            source.notes.append("the file name says ask: its prices are added to stored bid bars")
        return source

    def __post_init__(self) -> None:
        self._columns: tuple[str, ...] = self.layout.columns

    @property
    def format(self) -> str:
        """See `BarSource`."""
        return self.layout.name

    @property
    def clock(self) -> str | None:
        """See `BarSource`."""
        return self.layout.clock

    @property
    def tells_opens(self) -> bool:
        """See `BarSource`."""
        return self.layout.tells_opens

    def chunks(self) -> Iterator[Chunk]:
        """See `BarSource`."""
        first = True
        for lines, done, _ in line_blocks(self.path):
            yield self._parse(lines, done, skip_header=first)
            first = False

    def _read_header(self, head: bytes) -> tuple[str, ...]:
        first = head.splitlines()[0].decode("utf-8-sig", "replace") if head.strip() else ""
        if self.layout.name != "fxcm":
            return self.layout.columns
        columns = header_columns(first)
        if columns is None:
            raise DataError(f"{self.path}:1: no header with timestamp, open, high, low, close")
        return columns

    def _is_zoned(self, head: bytes) -> bool:
        lines = Lines.split(head, 1)
        counts = count_fields(lines, self.layout.delimiter)
        fields = Fields.cut(lines.take(counts > 1), self.layout.delimiter, 2)
        return is_zoned(self._pattern(fields.lines, fields.span(0)))

    def _parse(self, lines: Lines, done: int, skip_header: bool) -> Chunk:
        if skip_header and len(lines.start) and self._is_header(lines.text(0, _LONGEST_LINE)):
            lines = lines.take(np.arange(1, len(lines.start)))
        wanted = self.layout.stamp_fields + len(self._columns)
        fields, miscut = cut_rows(lines, self.layout.delimiter, wanted)
        lines = fields.lines
        rows = RowFilter(lines.number)
        span = fields.span(0, self.layout.stamp_fields - 1)
        wall, known = stamps(lines.data, *span, self._pattern(lines, span))
        rows.reject(~known, f"the time cannot be read (accepted: {self.layout.stamps_read})")
        rows.reject(wall % MINUTE_NS != 0, "the time is not a whole minute")
        columns = {}
        for i, name in enumerate(self._columns, self.layout.stamp_fields):
            if name:
                columns[name], known = decimals(lines.data, *fields.span(i))
                rows.reject(~known, f"{name} is not a number")
        if self.ask_only:
            columns = {f"{name}_ask": columns[name] for name in PRICE_COLUMNS}
        reject_faults(rows, columns)
        good = rows.good
        return Chunk(
            None,
            wall[good],
            lines.number[good],
            {name: values[good] for name, values in columns.items()},
            miscut + rows.rejected(lines.text),
            done,
        )

    def _is_header(self, line: str) -> bool:
        return self.layout.name == "fxcm" or tuple(line.split(",")) == BINANCE_COLUMNS

    def _pattern(self, lines: Lines, span: tuple[I64, I64]) -> str:
        """The pattern that fits most of the first stamps."""
        start, end = (edge[:_SAMPLED] for edge in span)
        known = {p: int(stamps(lines.data, start, end, p)[1].sum()) for p in self.layout.patterns}
        return max(known, key=known.__getitem__)
