"""Opens a file to import as bars or series, depending on its format."""

from collections.abc import Callable, Mapping
from functools import partial

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers.bars_content import BarsContent
from mlx_muzero.market.importers.bi5 import BI5, Bi5Source
from mlx_muzero.market.importers.candle_pages import CANDLE_FORMATS
from mlx_muzero.market.importers.candles_json import CandlesSource
from mlx_muzero.market.importers.content import Content, ImportRequest
from mlx_muzero.market.importers.formats import (
    FEATHER,
    FORMATS,
    LEAN,
    MICRO_FEATURES,
    PARQUET,
    SERIES_FORMATS,
    TEXT_FORMATS,
    detect_format,
    is_table,
)
from mlx_muzero.market.importers.lean import open_lean
from mlx_muzero.market.importers.micro_features import MicroFeaturesSource
from mlx_muzero.market.importers.named_columns import CSV, NAMED_FORMATS, TICKS
from mlx_muzero.market.importers.nautilus import NAUTILUS, NautilusSource
from mlx_muzero.market.importers.packed import require_file
from mlx_muzero.market.importers.series_content import SeriesContent
from mlx_muzero.market.importers.source import BarSource
from mlx_muzero.market.importers.table import ParquetSource
from mlx_muzero.market.importers.text import TextSource
from mlx_muzero.market.importers.tick_formats import TICK_FORMATS
from mlx_muzero.market.importers.ticks import TickSource
from mlx_muzero.market.store.bar_store import BarStore


def _table(format_name: str, _store: BarStore, request: ImportRequest) -> BarSource:
    columns = dict(request.choices.columns)
    return ParquetSource.open(request.path, request.symbol, format_name, columns)


def _micro_features(_store: BarStore, request: ImportRequest) -> BarSource:
    return MicroFeaturesSource.open(request.path)


def _text(format_name: str, _store: BarStore, request: ImportRequest) -> BarSource:
    return TextSource.open(request.path, format_name, request.symbol, dict(request.choices.columns))


def _ticks(format_name: str, _store: BarStore, request: ImportRequest) -> BarSource:
    columns = dict(request.choices.columns)
    return TickSource.open(request.path, format_name, request.symbol, columns)


def _lean(_store: BarStore, request: ImportRequest) -> BarSource:
    return open_lean(request.path, request.symbol)


def _candles(format_name: str, _store: BarStore, request: ImportRequest) -> BarSource:
    return CandlesSource.open(request.path, format_name, request.symbol)


_SOURCES: Mapping[str, Callable[[BarStore, ImportRequest], BarSource]] = {
    BI5: Bi5Source.open,
    NAUTILUS: NautilusSource.open,
    LEAN: _lean,
    **{name: partial(_candles, name) for name in CANDLE_FORMATS},
    MICRO_FEATURES: _micro_features,
    **{name: partial(_table, name) for name in (PARQUET, FEATHER)},
    **{name: partial(_text, name) for name in (*TEXT_FORMATS, *NAMED_FORMATS)},
    **{name: partial(_ticks, name) for name in TICK_FORMATS},
}


def open_content(store: BarStore, request: ImportRequest, format_name: str | None) -> Content:
    """Open the content of a file for `store`; the format is detected if None.

    Raises:
        DataError: the file is unknown, unreadable or corrupt, or its symbol is ambiguous.
    """
    if format_name is not None and format_name not in FORMATS:
        raise DataError(f"unknown format {format_name!r}; known: {', '.join(FORMATS)}")
    require_file(request.path)
    columns = dict(request.choices.columns)
    of_text = columns and not is_table(request.path)
    by_column = TICKS if columns.keys() & {"bid", "ask"} else CSV
    name = format_name or (by_column if of_text else detect_format(request.path))
    if columns and name not in (*NAMED_FORMATS, TICKS, PARQUET, FEATHER):
        raise DataError(
            f"{request.path}: --columns is for files with columns of any name, not for"
            f" {name}: leave it out"
        )
    if name in SERIES_FORMATS:
        return SeriesContent.open(store, request, name)
    return BarsContent.open(store, request, _SOURCES[name](store, request))
