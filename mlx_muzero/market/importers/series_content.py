"""Imports one file of series into the store: all of it, or nothing and the line that is wrong."""

import time
from dataclasses import replace
from pathlib import Path

from mlx_muzero.errors import DataError
from mlx_muzero.files.digests import sha256_of
from mlx_muzero.market.importers.choices import Choices
from mlx_muzero.market.importers.depth_capture import read_depth_capture
from mlx_muzero.market.importers.file_names import require_symbol
from mlx_muzero.market.importers.formats import (
    AGGREGATE_TRADES,
    DEPTH_CAPTURE,
    FUNDING,
    FUNDING_PARQUET,
    MACRO_FIGURES,
)
from mlx_muzero.market.importers.rejects import FEW, NONE
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
from mlx_muzero.market.metrics_labels import METRICS, misread
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.import_table import ImportRecord
from mlx_muzero.symbols.symbol import Symbol

_OF_ONE_SYMBOL = {
    AGGREGATE_TRADES: (read_aggregate_trades, FEW),
    FUNDING: (read_funding, NONE),
    METRICS: (read_metrics, FEW),
}


def import_series(
    store: BarStore,
    path: Path,
    format_name: str,
    symbol: str | None,
    progress: Progress | None,
    choices: Choices,
) -> ImportReport:
    """Import one file of series in one transaction; importing it again changes nothing.

    Args:
        store: an open store, writable.
        path: the file.
        format_name: a key of `formats.SERIES_FORMATS`.
        symbol: the symbol, or the name of a macro series; told from the file or its name if None.
        progress: told how far the file is read.
        choices: what to do where the file alone does not say.

    Raises:
        DataError: too much of the file cannot be read, its symbol cannot be told, or it contradicts
            the store; the store is unchanged.
    """
    started = time.perf_counter()
    sha256 = sha256_of(path, follow=True)
    earlier = {record.symbol: record for record in store.imports() if record.sha256 == sha256}
    file = _spelled(store, _read(path, format_name, symbol, progress, choices))
    symbols = tuple(dict.fromkeys(series.symbol for series in file.series))
    # The same figures may come again under another name.
    held = {(summary.symbol, summary.name) for summary in store.series()}
    had = set(symbols) <= set(earlier) and {(s.symbol, s.name) for s in file.series} <= held
    if had and not choices.replace:
        for record in earlier.values():
            if misread(record):
                raise DataError(
                    f"{path}: imported by an earlier mlx_muzero, which read its times five minutes"
                    " too early: import it again with --replace"
                )
        return ImportReport(path.name, symbols, format_name, file.clock, already_imported=True)
    with store.transaction():
        taken_back = 0
        if choices.replace:
            taken_back = sum(store.take_back_series(series) for series in file.misread)
        merges = [store.write_series(series, choices.replace) for series in file.series]
        duplicates = sum(merge.duplicates for merge in merges)
        conflicts = sum(merge.conflicts for merge in merges)
        replaced = sum(merge.replaced for merge in merges) + taken_back
        require_few_conflicts(path, "points", conflicts, duplicates + conflicts)
        accepted = choices.accepted(replaced, "points", file.rejected.count)
        for name in symbols:
            if name not in earlier or choices.replace:
                store.record_import(_record(path, sha256, format_name, file, name, accepted))
    return ImportReport(
        file=path.name,
        symbols=symbols,
        format=format_name,
        clock=file.clock,
        series=tuple(dict.fromkeys(series.name for series in file.series)),
        rows=file.rows,
        inserted=sum(merge.inserted for merge in merges),
        duplicates=duplicates + file.repeats,
        conflicts=conflicts,
        replaced=replaced,
        rejected_count=file.rejected.count,
        rejected=file.rejected.first,
        first_ns=min(int(s.known_ns[0]) for s in file.series if len(s)),
        last_ns=max(int(s.known_ns[-1]) for s in file.series if len(s)),
        notes=tuple(file.notes),
        seconds=time.perf_counter() - started,
    )


def _spelled(store: BarStore, file: SeriesFile) -> SeriesFile:
    """`file` with its symbols as the store writes them, beside whose bars they belong."""
    series, misread = (
        [replace(s, symbol=store.spelling(s.symbol)) for s in part]
        for part in (file.series, file.misread)
    )
    return replace(file, series=series, misread=misread)


def _read(
    path: Path,
    format_name: str,
    symbol: str | None,
    progress: Progress | None,
    choices: Choices,
) -> SeriesFile:
    if format_name == MACRO_FIGURES:
        name = symbol or path.name.split(".")[0].lower()
        return read_macro(path, name, choices.allowance(NONE), progress)
    told = None if symbol is None else Symbol(symbol)
    if format_name == DEPTH_CAPTURE:
        return read_depth_capture(path, told, progress)
    if format_name == FUNDING_PARQUET:
        return read_funding_parquet(path, told, choices.allowance(NONE))
    read, allowance = _OF_ONE_SYMBOL[format_name]
    return read(path, require_symbol(path, symbol), choices.allowance(allowance), progress)


def _record(
    path: Path,
    sha256: str,
    format_name: str,
    file: SeriesFile,
    symbol: str,
    accepted: tuple[str, ...],
) -> ImportRecord:
    own = [series for series in file.series if series.symbol == symbol]
    return ImportRecord(
        file=path.name,
        sha256=sha256,
        symbol=symbol,
        format=format_name,
        clock=file.clock,
        rows=sum(len(series) for series in own),
        rejected=file.rejected.count,
        repeats=0,
        first_ns=min(int(series.known_ns[0]) for series in own),
        last_ns=max(int(series.known_ns[-1]) for series in own),
        accepted=accepted,
    )
