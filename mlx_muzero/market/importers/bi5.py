"""Reads Dukascopy's own files, .bi5: a day of minute candles of bid or ask, or an hour of ticks.

They hold no symbol and no day, only seconds or milliseconds since their start, and prices as whole
points, tenths of a pip. The rest is in the folders, SYMBOL/YEAR/MONTH/DAY: month 00 is January.
"""

import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import PRICE_COLUMNS
from mlx_muzero.market.importers.content import ImportRequest
from mlx_muzero.market.importers.file_names import symbol_in_file
from mlx_muzero.market.importers.rejects import RowFilter
from mlx_muzero.market.importers.source import Chunk, flats_note, reject_faults
from mlx_muzero.market.importers.ticks import (
    TickBlock,
    bars_of_ticks,
    made_of_ticks_note,
    reject_bad_ticks,
)
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.location import in_store
from mlx_muzero.market.week_edges import Stamps
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from mlx_muzero.types import F64, I64
from mlx_muzero.words import command

BI5 = "bi5"
BI5_MAGIC = b"\x5d\x00\x00"
"""The start of what LZMA's first version compresses with the settings that Dukascopy uses."""

_CANDLE = np.dtype(
    [(name, ">u4") for name in ("at", "open", "close", "low", "high")] + [("volume", ">f4")]
)
_TICK = np.dtype(
    [("at", ">u4"), ("ask", ">u4"), ("bid", ">u4"), ("ask_volume", ">f4"), ("volume", ">f4")]
)
_PLACE = re.compile(
    r"(?P<symbol>[^/]+)/(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)/"
    r"(?:(?P<side>BID|ASK)_candles_min_1|(?P<hour>\d\d)h_ticks)\.bi5\Z",
    re.IGNORECASE,
)
_LAYOUT = (
    "SYMBOL/YEAR/MONTH/DAY/BID_candles_min_1.bi5 or .../HOURh_ticks.bi5, where month 00 is January"
)
_MS_NS = 1_000_000
_POINTS_OF_A_PIP = 10

# An hour has a hundred thousand ticks at most.
_MOST_BYTES = 16 << 20
_MOST_MEMORY = 128 << 20


@dataclass(frozen=True)
class _Place:
    """What the folders and the name of a file say.

    Attributes:
        symbol: the symbol.
        day: the day, UTC.
        side: "bid" or "ask" of a file of candles, None of ticks.
        hour: the hour of a file of ticks.
    """

    symbol: str
    day: date
    side: str | None
    hour: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """The place of `path`.

        Raises:
            DataError: it is not one of Dukascopy's, or its month is not.
        """
        found = _PLACE.search(path.absolute().as_posix())
        if found is None:
            raise DataError(
                f"{path}: a bi5 file says neither its symbol nor its day: keep it under the"
                f" folders and the name that Dukascopy gives it, {_LAYOUT}"
            )
        months = {folder.name for folder in path.absolute().parents[2].glob("[01][0-9]")}
        if "12" in months:
            raise DataError(
                f"{path}: its year has a month 12, so they are counted from 1: rename them as"
                " Dukascopy does, where 00 is January and 11 is December"
            )
        try:
            day = date(int(found["year"]), int(found["month"]) + 1, int(found["day"]))
        except ValueError as error:
            raise DataError(
                f"{path}: its folders do not make a day ({error}): Dukascopy counts months from 00"
            ) from error
        hour = int(found["hour"] or 0)
        if hour > 23:
            raise DataError(f"{path}: {hour}h is not an hour of a day")
        side = found["side"] and found["side"].lower()
        return cls(found["symbol"], day, side, hour)

    @property
    def start_ns(self) -> int:
        """The time from which the file counts."""
        days = (self.day - date(1970, 1, 1)).days
        return days * DAY_NS + self.hour * HOUR_NS


@dataclass
class Bi5Source:
    """Implements `BarSource` for .bi5 files of candles and of ticks."""

    path: Path
    place: _Place
    records: npt.NDArray[np.void]
    points: int
    size: int
    symbols: tuple[Symbol, ...]
    format: str = BI5
    clock: str | None = "UTC"
    zoned: bool = True
    stamps: Stamps | None = "open"
    shortest_row: int = 1

    @classmethod
    def open(cls, store: BarStore, request: ImportRequest) -> Self:
        """A source for the file of `request`.

        Raises:
            DataError: it is damaged, or not where Dukascopy puts it.
            UnknownInstrument: neither the name of its symbol nor `store` tells its pip.
        """
        path = request.path
        place = _Place.of(path)
        record = _TICK if place.side is None else _CANDLE
        data = _unpacked(path)
        if len(data) % record.itemsize:
            raise DataError(f"{path}: it is cut off within a record: download it again")
        symbol = symbol_in_file(path, request.symbol or place.symbol)
        records = np.frombuffer(data, record)
        points = _points(path, store, symbol)
        named = () if request.symbol else (symbol,)
        return cls(path, place, records, points, len(records), named)

    def __post_init__(self) -> None:
        self._flats = self._good_ticks = 0

    @property
    def ask_only(self) -> bool:
        """See `BarSource`."""
        return self.place.side == "ask"

    @property
    def notes(self) -> list[str]:
        """See `BarSource`."""
        notes = [f"its folders say {self.place.day}, as Dukascopy counts months from 00"]
        if self.place.side is None:
            notes.append(made_of_ticks_note(self._good_ticks, has_volumes=True))
        elif self._flats:
            notes.append(flats_note(self._flats))
        return notes

    def chunks(self) -> Iterator[Chunk]:
        """See `BarSource`."""
        symbol = self.symbols[0] if self.symbols else None
        if self.place.side is None:
            yield from bars_of_ticks(self._ticks(), symbol, self.size)
        elif len(self.records):
            yield self._candles(symbol)

    def _candles(self, symbol: Symbol | None) -> Chunk:
        marks, lines = self._marks(DAY_NS // SECOND_NS)
        opens = self._times(SECOND_NS)
        marks.reject(opens % MINUTE_NS != 0, "the time is not a whole minute")
        side = "_ask" if self.ask_only else ""
        columns = {f"{name}{side}": self._prices(name) for name in PRICE_COLUMNS}
        volume = _shortest(self.records["volume"])
        flat = (volume == 0) & (self.records["high"] == self.records["low"])
        if not self.ask_only:
            columns["volume"] = volume
        reject_faults(marks, columns)
        good = marks.good & ~flat
        self._flats = int((flat & marks.good).sum())
        kept = {name: values[good] for name, values in columns.items()}
        return Chunk(
            symbol,
            opens[good],
            lines[good],
            kept,
            marks.rejected(self._text_of),
            self.size,
            flats=self._flats,
        )

    def _ticks(self) -> Iterator[TickBlock]:
        marks, lines = self._marks(HOUR_NS // _MS_NS)
        bid, ask = self._prices("bid"), self._prices("ask")
        volume = _shortest(self.records["volume"])
        reject_bad_ticks(marks, bid, ask, volume)
        good = marks.good
        self._good_ticks = int(good.sum())
        times = self._times(_MS_NS)
        yield TickBlock(
            times[good],
            lines[good],
            bid[good],
            ask[good],
            volume[good],
            marks.rejected(self._text_of),
            self.size,
        )

    def _marks(self, end: int) -> tuple[RowFilter, I64]:
        lines = np.arange(1, len(self.records) + 1)
        marks = RowFilter(lines)
        marks.reject(self.records["at"] >= end, "the time is past the end of the file's period")
        return marks, lines

    def _times(self, unit_ns: int) -> I64:
        return self.place.start_ns + self.records["at"].astype(np.int64) * unit_ns

    def _prices(self, name: str) -> F64:
        return self.records[name].astype(np.float64) / self.points

    def _text_of(self, row: int) -> str:
        return str(self.records[row].tolist())


def _points(path: Path, store: BarStore, symbol: Symbol) -> int:
    """Number of points in a price of one."""
    instrument = store.instrument(symbol)
    if not instrument.pip_size:
        say = command("data", "instrument", symbol, "--pip", "PRICE", *in_store(store.path))
        raise DataError(
            f"{path}: its prices are tenths of a pip, and {symbol} is counted in basis points: say"
            f" what a pip of Dukascopy is with {say}, or download it as csv"
        )
    return round(_POINTS_OF_A_PIP / instrument.pip_size)


def _shortest(volume: npt.NDArray[np.float32]) -> F64:
    """Volumes as Dukascopy writes them in text: 293.76, not 293.760009765625."""
    return volume.astype(np.float32).astype(str).astype(np.float64)


def _unpacked(path: Path) -> bytes:
    """The records of a file.

    Raises:
        DataError: it is damaged, or larger than any day or hour.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(_MOST_BYTES + 1)
        unpacker = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MOST_MEMORY)
        data = unpacker.decompress(packed, _MOST_BYTES + 1)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise DataError(f"{path}: cannot be read ({error}): download it again") from error
    if max(len(data), len(packed)) > _MOST_BYTES:
        raise DataError(
            f"{path}: its {len(packed):,} bytes expand to over {_MOST_BYTES:,}, as no day of"
            " candles and no hour of ticks does: it is damaged or a trap"
        )
    if not unpacker.eof:
        raise DataError(f"{path}: it ends too early: download it again")
    return data
