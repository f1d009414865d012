"""Imports one file of series into the store: all of it, or nothing and the line that is wrong."""

import time
from pathlib import Path

from mlx_muzero.digests import sha256_of
from mlx_muzero.market.importers.depth_capture import read_depth_capture
from mlx_muzero.market.importers.file_names import require_symbol
from mlx_muzero.market.importers.formats import (
    AGGREGATE_TRADES,
    DEPTH_CAPTURE,
    FUNDING,
    FUNDING_PARQUET,
    MACRO_FIGURES,
    METRICS,
)
from mlx_muzero.market.importers.report import (
    ImportReport,
    Progress,
    require_few_conflicts,
)
from mlx_muzero.market.importers.series_parquet import read_funding_parquet
from mlx_muzero.market.importers.series_source import SeriesFile
from mlx_muzero.market.importers.series_text import (
    read_aggregate_trades,
    read_funding,
    read_macro,
    read_metrics,
)
from mlx_muzero.market.store import BarStore, ImportRecord
from mlx_muzero.symbols import Symbol

_OF_ONE_SYMBOL = {
    AGGREGATE_TRADES: read_aggregate_trades,
    FUNDING: read_funding,
    METRICS: read_metrics,
}


def import_series(
    store: BarStore, path: Path, format_name: str, symbol: str | None, progress: Progress | None
) -> ImportReport:
    """Import one file of series in one transaction; importing it again changes nothing.

    Args:
        store: an open store, writable.
        path: the file.
        format_name: a key of `formats.SERIES_FORMATS`.
        symbol: the symbol, or the name of a macro series; told from the file or its name if None.
        progress: told how far the file is read.

    Raises:
        DataError: the file cannot be read whole, its symbol cannot be told, or it contradicts the
            store; the store is unchanged.
    """
    started = time.perf_counter()
    sha256 = sha256_of(path)
    earlier = {record.symbol for record in store.imports() if record.sha256 == sha256}
    file = _read(path, format_name, symbol, progress)
    symbols = tuple(dict.fromkeys(series.symbol for series in file.series))
    # The same figures may come again under another name.
    held = {(summary.symbol, summary.name) for summary in store.series()}
    if set(symbols) <= earlier and {(s.symbol, s.name) for s in file.series} <= held:
        return ImportReport(path.name, symbols, format_name, "UTC", already_imported=True)
    with store.transaction():
        merges = [store.write_series(series) for series in file.series]
        duplicates = sum(merge.duplicates for merge in merges)
        conflicts = sum(merge.conflicts for merge in merges)
        require_few_conflicts(path, "points", conflicts, duplicates + conflicts)
        for name in symbols:
            if name not in earlier:
                store.record_import(_record(path, sha256, format_name, file, name))
    return ImportReport(
        file=path.name,
        symbols=symbols,
        format=format_name,
        clock="UTC",
        series=tuple(dict.fromkeys(series.name for series in file.series)),
        rows=file.rows,
        inserted=sum(merge.inserted for merge in merges),
        duplicates=duplicates + file.repeats,
        conflicts=conflicts,
        first_ns=min(int(s.known_ns[0]) for s in file.series if len(s)),
        last_ns=max(int(s.known_ns[-1]) for s in file.series if len(s)),
        notes=tuple(file.notes),
        seconds=time.perf_counter() - started,
    )


def _read(
    path: Path, format_name: str, symbol: str | None, progress: Progress | None
) -> SeriesFile:
    if format_name == MACRO_FIGURES:
        return read_macro(path, symbol or path.name.split(".")[0].lower(), progress)
    told = None if symbol is None else Symbol(symbol)
    if format_name == DEPTH_CAPTURE:
        return read_depth_capture(path, told, progress)
    if format_name == FUNDING_PARQUET:
        return read_funding_parquet(path, told, progress)
    return _OF_ONE_SYMBOL[format_name](path, require_symbol(path, symbol), progress)


def _record(
    path: Path, sha256: str, format_name: str, file: SeriesFile, symbol: str
) -> ImportRecord:
    own = [series for series in file.series if series.symbol == symbol]
    return ImportRecord(
        file=path.name,
        sha256=sha256,
        symbol=symbol,
        format=format_name,
        clock="UTC",
        rows=sum(len(series) for series in own),
        rejected=0,
        repeats=0,
        first_ns=min(int(series.known_ns[0]) for series in own),
        last_ns=max(int(series.known_ns[-1]) for series in own),
    )
