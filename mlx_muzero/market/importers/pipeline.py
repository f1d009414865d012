"""Imports one file of bars or series into the store: all of it, or nothing, with the reason.

The steps are the same for any file: detect the format and open it, check whether it is stored
already, store it (converted to UTC, screened, merged), refuse it if it contradicts the store too
often, record it, report. What differs between bars and series is in the file's `Content`.
"""

import time
from pathlib import Path

from mlx_muzero.files.digests import sha256_of
from mlx_muzero.market.importers.choices import AS_USUAL, Choices
from mlx_muzero.market.importers.content import ImportRequest, Merged
from mlx_muzero.market.importers.opening import open_content
from mlx_muzero.market.importers.report import (
    ImportReport,
    Progress,
    SymbolCount,
    require_few_conflicts,
)
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.import_table import ImportRecord


def import_file(
    store: BarStore,
    path: str | Path,
    symbol: str | None = None,
    format_name: str | None = None,
    clock: str | None = None,
    progress: Progress | None = None,
    choices: Choices = AS_USUAL,
) -> ImportReport:
    """Import one file in one transaction; importing it again changes nothing.

    Args:
        store: an open store, writable.
        path: a file in one of `FORMATS`.
        symbol: the symbol, in any spelling, or the name of a macro series; if None, read from the
            file or its name. Selects one symbol of a file with several.
        format_name: a key of `FORMATS`; detected if None.
        clock: the file's clock (see `parse_clock`); if None, that of the format, or detected.
        progress: called with how much of the file has been read.
        choices: the user's overrides.

    Raises:
        DataError: the file is unknown, unreadable or corrupt, its symbol or clock is ambiguous, or
            it contradicts the store; the store is unchanged.
    """
    started = time.perf_counter()
    path = Path(path)
    content = open_content(
        store, ImportRequest(path, store.path, symbol, clock, progress, choices), format_name
    )
    sha256 = sha256_of(path, follow=True)
    earlier = {record.symbol: record for record in store.imports() if record.sha256 == sha256}
    held_clock = content.held_clock(earlier)
    if held_clock is not None and not choices.replace:
        return ImportReport(
            path.name, content.symbols, content.format, held_clock, already_imported=True
        )
    with store.transaction():
        merged = content.merge(store)
        overlap = merged.stored + merged.conflicts
        require_few_conflicts(path, content.unit, merged.conflicts, overlap, merged.conflicts_at)
        for part in merged.parts:
            if part.symbol in earlier and not choices.replace:
                continue
            store.record_import(
                ImportRecord(
                    file=path.name,
                    sha256=sha256,
                    symbol=part.symbol,
                    format=content.format,
                    clock=merged.clock,
                    rows=part.rows,
                    rejected=part.rejected,
                    repeats=part.repeats,
                    first_ns=part.first_ns,
                    last_ns=part.last_ns,
                    accepted=choices.accepted(
                        merged.replaced, content.unit, merged.rejected.count, part.jumps
                    ),
                )
            )
    return ImportReport(
        file=path.name,
        symbols=tuple(part.symbol for part in merged.parts),
        format=content.format,
        clock=merged.clock,
        series=content.series,
        rows=merged.rows,
        inserted=merged.inserted,
        duplicates=merged.stored + merged.repeats,
        conflicts=merged.conflicts,
        replaced=merged.replaced,
        filled=merged.filled,
        rejected_count=merged.rejected.count,
        rejected=merged.rejected.first,
        first_ns=min((p.first_ns for p in merged.parts if p.first_ns is not None), default=None),
        last_ns=max((p.last_ns for p in merged.parts if p.last_ns is not None), default=None),
        notes=tuple(merged.notes),
        seconds=time.perf_counter() - started,
        by_symbol=_by_symbol(merged) if content.unit == "bars" else (),
    )


def _by_symbol(merged: Merged) -> tuple[SymbolCount, ...]:
    if len(merged.parts) < 2:
        return ()
    return tuple(
        SymbolCount(p.symbol, p.rows, p.inserted, p.rejected, p.first_ns, p.last_ns)
        for p in merged.parts
    )
