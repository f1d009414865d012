"""Reads text files of bars, packed or not, a few megabytes at a time."""

import codecs
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import PRICE_COLUMNS
from mlx_muzero.market.importers.blocks import line_blocks
from mlx_muzero.market.importers.column_names import OF_BARS, SYMBOL, value_fields
from mlx_muzero.market.importers.databento import open_databento
from mlx_muzero.market.importers.fields import Lines
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
    DATABENTO,
    JFOREX,
    MT5,
    NAMED_FORMATS,
    named_layout,
)
from mlx_muzero.market.importers.packed import TextStream, open_text
from mlx_muzero.market.importers.source import Chunk, flats_note, reject_faults
from mlx_muzero.market.importers.symbol_column import (
    chosen_symbols,
    named_in_text,
    parts_by_symbol,
    renamed_note,
)
from mlx_muzero.market.importers.text_layout import TextLayout
from mlx_muzero.market.importers.text_rows import (
    TextRows,
    has_zone,
    rows_among,
    with_one_pattern,
)
from mlx_muzero.market.week_edges import Stamps
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import I64

# Far longer than any row: a text without a line break in it does not hold bars.
_LONGEST_LINE = 64 * 1024


@dataclass
class TextSource:
    """Implements `BarSource` for every text format of bars.

    Attributes:
        layout: where the file has its columns.
        names: the symbols to import, by their names in the file.
    """

    path: Path
    format: str
    layout: TextLayout
    size: int
    zoned: bool
    clock: str | None
    stamps: Stamps | None
    names: Mapping[str, Symbol] = field(default_factory=dict)
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
            layout = with_one_pattern(path, layout)
        has_ask = "close_ask" in layout.columns
        held = [] if layout.symbol is None else named_in_text(path, layout, _opener(format_name))
        if layout.spread is not None and len(held) > 1:
            raise DataError(
                f"{path}: its spreads are in points, which differ by symbol, and it holds"
                f" {len(held)} symbols: split it by symbol"
            )
        return cls(
            path,
            format_name,
            layout,
            size,
            zoned=has_zone(layout, Lines.split(head, 1)),
            clock=layout.clock or clock,
            stamps=_STAMPS.get(format_name) if vendor is None else vendor.stamps,
            names=chosen_symbols(path, held, symbol) if held else {},
            ask_only=is_ask_file(path) and not has_ask and format_name in _OF_ONE_SIDE,
        )

    def __post_init__(self) -> None:
        self._flats = 0

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """See `BarSource`."""
        return tuple(dict.fromkeys(self.names.values()))

    @property
    def notes(self) -> list[str]:
        """See `BarSource`."""
        notes = [*self.layout.notes, *renamed_note(self.names)]
        if self.ask_only:
            notes.append("the file name says ask: its prices are added to stored bid bars")
        if self._flats:
            notes.append(flats_note(self._flats))
        return notes

    def chunks(self) -> Iterator[Chunk]:
        """See `BarSource`."""
        first, self._flats = True, 0
        for lines, done, _ in line_blocks(self.path, _opener(self.format)):
            rows = rows_among(self.layout, lines) if first else lines
            for symbol, part in parts_by_symbol(self.layout, self.names, rows):
                yield self._parse(symbol, part, done)
            first = False

    def _parse(self, symbol: Symbol | None, lines: Lines, done: int) -> Chunk:
        layout = self.layout
        rows = TextRows.cut(layout, lines)
        rows.require_symbols()
        wall = rows.times()
        rows.marks.reject(wall % MINUTE_NS != 0, "the time is not a whole minute")
        columns = {}
        for name, place in layout.columns.items():
            may_be_blank = layout.is_named and name not in PRICE_COLUMNS
            columns[name] = rows.numbers(name, place, may_be_blank)
            if name in PRICE_COLUMNS:
                columns[name] /= layout.price_unit
        if layout.spread is not None:
            points = rows.numbers("spread", layout.spread.field, layout.is_named)
            rows.marks.reject(points < 0, "the spread is negative")
            above = np.where(points == 0, np.nan, points) * layout.spread.point
            for name in PRICE_COLUMNS:
                columns[f"{name}_ask"] = np.round(columns[name] + above, layout.spread.digits)
        flat = np.zeros(len(wall), bool)
        if layout.leaves_flats:
            flat = (columns["volume"] == 0) & (columns["high"] == columns["low"])
        if self.ask_only:
            columns = {f"{name}_ask": columns[name] for name in PRICE_COLUMNS}
        reject_faults(rows.marks, columns)
        flats = int((flat & rows.marks.good).sum())
        self._flats += flats
        good = np.flatnonzero(rows.marks.good & ~flat)
        if layout.is_named and not _is_monotonic(wall[good]):
            good = good[np.argsort(wall[good], kind="stable")]
        return Chunk(
            symbol,
            wall[good],
            rows.lines.number[good],
            {name: values[good] for name, values in columns.items()},
            rows.rejected(),
            done,
            flats=flats,
        )


_OF_ONE_SIDE = ("fxcm", NINJATRADER, *NAMED_FORMATS)
_STAMPS: Mapping[str, Stamps] = {MT5: "open", JFOREX: "open", DATABENTO: "open"}


def _opener(format_name: str) -> Callable[[Path], AbstractContextManager[TextStream]]:
    return {FREQTRADE_JSON: open_json_rows, DATABENTO: open_databento}.get(format_name, open_text)


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
        symbol=None if vendor.columns else value_fields(first.split(","), OF_BARS).get(SYMBOL),
    )


def _is_monotonic(times: I64) -> bool:
    steps = np.diff(times)
    return bool((steps >= 0).all() or (steps <= 0).all())
