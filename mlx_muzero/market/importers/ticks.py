"""Reads text files of ticks, packed or not, as minute bars of bid and ask."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlx_muzero.market.bars import BAR_COLUMNS, Fault, price_faults
from mlx_muzero.market.importers.blocks import line_blocks
from mlx_muzero.market.importers.fields import Lines
from mlx_muzero.market.importers.packed import open_text
from mlx_muzero.market.importers.rejects import NO_ROWS, RejectedRows, RowFilter
from mlx_muzero.market.importers.source import Chunk
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
from mlx_muzero.market.importers.tick_formats import tick_layout
from mlx_muzero.market.store.duckdb_files import scratch
from mlx_muzero.market.store.staging import ASK_COLUMNS
from mlx_muzero.market.store.tick_bars import TickBars
from mlx_muzero.market.week_edges import Stamps
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64

# Far longer than a header and a few rows.
_HEAD_BYTES = 64 * 1024
_SIDES = ("bid", "ask")
_NONE_YET = np.empty(0, np.int64)


@dataclass(frozen=True)
class TickBlock:
    """Some of the ticks of a file.

    Attributes:
        time_ns: ``i64[T]`` times on the file's clock.
        lines: ``i64[T]`` 1-based line or row numbers.
        bid: ``f64[T]`` bid prices.
        ask: ``f64[T]`` ask prices.
        volume: ``f64[T]`` what each tick adds to the volume of its bar.
        rejected: rows that are unreadable or impossible.
        done: how much of the file has been read.
    """

    time_ns: I64
    lines: I64
    bid: F64
    ask: F64
    volume: F64
    rejected: RejectedRows
    done: int


def reject_bad_ticks(marks: RowFilter, bid: F64, ask: F64, volume: F64) -> None:
    """Mark the ticks whose bid, ask or volume is impossible."""
    for side, price in zip(_SIDES, (bid, ask), strict=True):
        faults = price_faults(price, price, price, price, volume)
        for fault in set(faults.tolist()) - {0}:
            marks.reject(faults == fault, f"{Fault(fault).text} ({side})")


def made_of_ticks_note(ticks: int, has_volumes: bool) -> str:
    """Says of how many ticks a file's bars are made, and what their volume is."""
    volume = "the sum of their bid volumes" if has_volumes else "their number"
    return f"the bars are made of {ticks:,} ticks; a bar's volume is {volume}"


def bars_of_ticks(blocks: Iterable[TickBlock], symbol: Symbol | None, size: int) -> Iterator[Chunk]:
    """The bars of a file's ticks: while they are read, chunks without a bar, then all bars.

    Args:
        blocks: the ticks.
        symbol: the symbol named in the file.
        size: size of the file.
    """
    with scratch(threads=1) as db:
        bars = TickBars(db)
        for block in blocks:
            bars.add(block.time_ns, block.lines, block.bid, block.ask, block.volume)
            ticks = len(block.time_ns)
            yield Chunk(symbol, _NONE_YET, _NONE_YET, {}, block.rejected, block.done, ticks)
        for batch in bars.batches():
            columns = {name: batch[name] for name in (*BAR_COLUMNS, *ASK_COLUMNS)}
            opens = batch["minute"] * MINUTE_NS
            yield Chunk(symbol, opens, batch["line"], columns, NO_ROWS, size, 0)


@dataclass
class TickSource:
    """Implements `BarSource` for every text format of ticks.

    Attributes:
        layout: where the file has its columns.
        names: the symbols to import, by their names in the file.
    """

    path: Path
    format: str
    layout: TextLayout
    size: int
    zoned: bool
    names: Mapping[str, Symbol]
    stamps: Stamps | None = "open"
    ask_only: bool = False
    shortest_row: int = 16

    @classmethod
    def open(
        cls, path: Path, format_name: str, symbol: str | None, columns: Mapping[str, str]
    ) -> "TickSource":
        """A source for the file at `path`.

        Args:
            path: the file.
            format_name: a key of `TICK_FORMATS`.
            symbol: the symbol, if the user gave it.
            columns: columns of the file that the user named, by what they hold.

        Raises:
            DataError: no header names the columns, or its times cannot be read.
        """
        with open_text(path) as stream:
            head, size = stream.read(_HEAD_BYTES), stream.size
        layout = tick_layout(path, format_name, head.decode("utf-8-sig", "replace"), columns)
        if len(layout.patterns) > 1:
            layout = with_one_pattern(path, layout)
        held = [] if layout.symbol is None else named_in_text(path, layout, open_text)
        names = chosen_symbols(path, held, symbol) if held else {}
        return cls(path, format_name, layout, size, has_zone(layout, Lines.split(head, 1)), names)

    def __post_init__(self) -> None:
        self._ticks = 0
        self._last: dict[str, float] = {}

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """See `BarSource`."""
        return tuple(dict.fromkeys(self.names.values()))

    @property
    def clock(self) -> str | None:
        """See `BarSource`."""
        return self.layout.clock

    @property
    def notes(self) -> list[str]:
        """See `BarSource`."""
        has_volumes = "volume" in self.layout.columns
        return [
            *self.layout.notes,
            *renamed_note(self.names),
            made_of_ticks_note(self._ticks, has_volumes),
        ]

    def chunks(self) -> Iterator[Chunk]:
        """See `BarSource`; reads the file once for each symbol."""
        self._ticks = 0
        for symbol in self.symbols or (None,):
            self._last = dict.fromkeys(_SIDES, np.nan)
            yield from bars_of_ticks(self._blocks(symbol), symbol, self.size)

    def _blocks(self, wanted: Symbol | None) -> Iterator[TickBlock]:
        for lines, done, _ in line_blocks(self.path):
            rows = rows_among(self.layout, lines)
            for symbol, part in parts_by_symbol(self.layout, self.names, rows):
                if symbol == wanted:
                    block = self._parse(part, done)
                    self._ticks += len(block.time_ns)
                    yield block

    def _parse(self, lines: Lines, done: int) -> TickBlock:
        rows = TextRows.cut(self.layout, lines)
        rows.require_symbols()
        wall = rows.times()
        columns = self.layout.columns
        bid, ask = (self._prices(rows, side) for side in _SIDES)
        volume = np.ones(len(wall))
        if "volume" in columns:
            volume = rows.numbers("volume", columns["volume"])
        reject_bad_ticks(rows.marks, bid, ask, volume)
        good = rows.marks.good
        return TickBlock(
            wall[good],
            rows.lines.number[good],
            bid[good],
            ask[good],
            volume[good],
            rows.rejected(),
            done,
        )

    def _prices(self, rows: TextRows, side: str) -> F64:
        carries = self.layout.carries_blanks
        prices = rows.numbers(side, self.layout.columns[side], may_be_blank=carries)
        if not carries or not len(prices):
            return prices
        known = rows.marks.good & ~np.isnan(prices)
        latest = np.maximum.accumulate(np.where(known, np.arange(len(prices)), -1))
        prices = np.where(latest < 0, self._last[side], prices[latest])
        self._last[side] = float(prices[-1])
        return prices
