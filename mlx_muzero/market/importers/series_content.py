"""Imports a file of series: reads it as a whole, each point once, in UTC."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from mlx_muzero.errors import DataError
from mlx_muzero.market.clocks import UTC_CLOCK, parse_clock
from mlx_muzero.market.importers.content import ImportRequest, Merged, SymbolPart
from mlx_muzero.market.importers.depth_capture import read_depth_capture
from mlx_muzero.market.importers.file_names import require_symbol
from mlx_muzero.market.importers.formats import (
    AGGREGATE_TRADES,
    DEPTH_CAPTURE,
    FREQTRADE_FUNDING,
    FUNDING,
    FUNDING_PARQUET,
    MACRO_FIGURES,
    is_table,
)
from mlx_muzero.market.importers.rejects import FEW, NONE, Allowance
from mlx_muzero.market.importers.report import Progress
from mlx_muzero.market.importers.series_parquet import (
    read_freqtrade_funding,
    read_funding_parquet,
)
from mlx_muzero.market.importers.series_source import SeriesFile
from mlx_muzero.market.importers.series_text import (
    read_aggregate_trades,
    read_freqtrade_funding_json,
    read_funding,
    read_macro,
    read_metrics,
)
from mlx_muzero.market.metrics_labels import METRICS, misread
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.import_table import ImportRecord
from mlx_muzero.symbols.symbol import Symbol


@dataclass(frozen=True)
class SeriesContent:
    """Implements `Content` for series.

    Attributes:
        all_stored: whether the store has points of every one of its series.
    """

    request: ImportRequest
    format: str
    file: SeriesFile
    all_stored: bool
    unit: Literal["points"] = "points"

    @classmethod
    def open(cls, store: BarStore, request: ImportRequest, format_name: str) -> Self:
        """Read the file, with symbols spelled as those of the bars in `store`.

        Raises:
            DataError: too much of it is unreadable, its symbol is ambiguous, or a clock other than
                UTC is given.
        """
        if request.clock is not None and parse_clock(request.clock) != UTC_CLOCK:
            raise DataError(f"{request.path}: a {format_name} file is in UTC, not {request.clock}")
        file = _READERS[format_name](request)
        series, early = (
            [replace(s, symbol=store.spelling(s.symbol)) for s in part]
            for part in (file.series, file.misread)
        )
        held = {(summary.symbol, summary.name) for summary in store.series()}
        all_stored = {(s.symbol, s.name) for s in series} <= held
        return cls(request, format_name, replace(file, series=series, misread=early), all_stored)

    @property
    def symbols(self) -> tuple[str, ...]:
        """See `Content`."""
        return tuple(dict.fromkeys(series.symbol for series in self.file.series))

    @property
    def series(self) -> tuple[str, ...]:
        """See `Content`."""
        return tuple(dict.fromkeys(series.name for series in self.file.series))

    def held_clock(self, earlier: Mapping[str, ImportRecord]) -> str | None:
        """See `Content`."""
        # The same figures may be imported again under another name.
        if not (set(self.symbols) <= earlier.keys() and self.all_stored):
            return None
        if not self.request.choices.replace and any(misread(r) for r in earlier.values()):
            raise DataError(
                f"{self.request.path}: imported by an earlier mlx_muzero, which read its times five"
                " minutes too early: import it again with --replace"
            )
        return self.file.clock

    def merge(self, store: BarStore) -> Merged:
        """See `Content`."""
        giving_way = self.request.choices.replace
        taken_back = sum(store.take_back_series(s) for s in self.file.misread if giving_way)
        merges = [store.write_series(series, giving_way) for series in self.file.series]
        return Merged(
            clock=self.file.clock,
            parts=[self._part(symbol) for symbol in self.symbols],
            rows=self.file.rows,
            rejected=self.file.rejected,
            inserted=sum(merge.inserted for merge in merges),
            stored=sum(merge.duplicates for merge in merges),
            repeats=self.file.repeats,
            conflicts=sum(merge.conflicts for merge in merges),
            replaced=sum(merge.replaced for merge in merges) + taken_back,
            notes=self.file.notes,
        )

    def _part(self, symbol: str) -> SymbolPart:
        own = [series for series in self.file.series if series.symbol == symbol and len(series)]
        return SymbolPart(
            symbol,
            rows=sum(len(series) for series in own),
            rejected=self.file.rejected.count,
            repeats=0,
            first_ns=min(int(series.known_ns[0]) for series in own),
            last_ns=max(int(series.known_ns[-1]) for series in own),
        )


def _macro(request: ImportRequest) -> SeriesFile:
    name = request.symbol or request.path.name.split(".")[0].lower()
    return read_macro(request.path, name, request.choices.allowance(NONE), request.progress)


def _depth(request: ImportRequest) -> SeriesFile:
    return read_depth_capture(request.path, _given_symbol(request), request.progress)


def _funding_parquet(request: ImportRequest) -> SeriesFile:
    allowance = request.choices.allowance(NONE)
    return read_funding_parquet(request.path, _given_symbol(request), allowance)


def _freqtrade_funding(request: ImportRequest) -> SeriesFile:
    symbol = require_symbol(request.path, request.symbol, request.database)
    allowance = request.choices.allowance(NONE)
    if is_table(request.path):
        return read_freqtrade_funding(request.path, symbol, allowance)
    return read_freqtrade_funding_json(request.path, symbol, allowance, request.progress)


def _given_symbol(request: ImportRequest) -> Symbol | None:
    return None if request.symbol is None else Symbol(request.symbol)


def _of_one_symbol(
    read: Callable[[Path, Symbol, Allowance, Progress | None], SeriesFile], usual: Allowance
) -> Callable[[ImportRequest], SeriesFile]:
    """A reader for files of one symbol, which the user or the file's name gives."""

    def read_file(request: ImportRequest) -> SeriesFile:
        symbol = require_symbol(request.path, request.symbol, request.database)
        allowance = request.choices.allowance(usual)
        return read(request.path, symbol, allowance, request.progress)

    return read_file


_READERS: dict[str, Callable[[ImportRequest], SeriesFile]] = {
    AGGREGATE_TRADES: _of_one_symbol(read_aggregate_trades, FEW),
    FUNDING: _of_one_symbol(read_funding, NONE),
    METRICS: _of_one_symbol(read_metrics, FEW),
    DEPTH_CAPTURE: _depth,
    FUNDING_PARQUET: _funding_parquet,
    FREQTRADE_FUNDING: _freqtrade_funding,
    MACRO_FIGURES: _macro,
}
