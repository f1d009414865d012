"""Imports one file into the bar store: read, convert to UTC, screen, merge; all or nothing."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mlx_muzero.errors import DataError
from mlx_muzero.files.digests import sha256_of
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.clocks import UTC_CLOCK, parse_clock
from mlx_muzero.market.importers.choices import AS_USUAL, Choices
from mlx_muzero.market.importers.continuity import Jump, jumps, require_no_jump
from mlx_muzero.market.importers.file_clock import (
    FileClock,
    clock_of,
    require_own_weeks,
    require_same_clock,
)
from mlx_muzero.market.importers.file_names import name_notes, require_symbol
from mlx_muzero.market.importers.formats import (
    FORMATS,
    MICRO_FEATURES,
    PARQUET,
    SERIES_FORMATS,
    detect_format,
)
from mlx_muzero.market.importers.micro_features import MicroFeaturesSource
from mlx_muzero.market.importers.packed import require_file
from mlx_muzero.market.importers.rejects import FEW, Rejected, RejectedRows
from mlx_muzero.market.importers.report import (
    ImportReport,
    Progress,
    require_few_conflicts,
)
from mlx_muzero.market.importers.screen import Screen
from mlx_muzero.market.importers.series_content import import_series
from mlx_muzero.market.importers.source import Source
from mlx_muzero.market.importers.table import ParquetSource
from mlx_muzero.market.importers.text import TextSource
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.import_table import ImportRecord
from mlx_muzero.market.store.staging import MergeReport, Repeats, Staging
from mlx_muzero.market.week_edges import WeekEdges
from mlx_muzero.symbols.symbol import Symbol


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
        path: csv, zip, parquet or DuckDB file (see `FORMATS`).
        symbol: the symbol, in any spelling; read from the file or its name if None. Of a parquet
            file with several symbols it chooses one.
        format_name: a key of `FORMATS`; detected if None.
        clock: the file's clock (see `parse_clock`); the format's own, or detected, if None.
        progress: told how far the file is read.
        choices: what to do where the file alone does not say.

    Raises:
        DataError: if the file is unknown, unreadable or corrupt, or its symbol or clock cannot be
            told; the store is unchanged.
    """
    started = time.perf_counter()
    path = Path(path)
    if format_name is not None and format_name not in FORMATS:
        raise DataError(f"no format is called {format_name!r}; known: {', '.join(FORMATS)}")
    require_file(path)
    format_name = format_name or detect_format(path)
    if format_name in SERIES_FORMATS:
        if clock is not None and parse_clock(clock) != UTC_CLOCK:
            raise DataError(f"{path}: a {format_name} file is in UTC, not {clock}")
        return import_series(store, path, format_name, symbol, progress, choices)
    source = _open(path, format_name, symbol)
    named: Sequence[Symbol | None] = source.symbols if isinstance(source, ParquetSource) else ()
    names = {name: store.spelling(name or require_symbol(path, symbol)) for name in named or [None]}
    symbols = tuple(names.values())

    sha256 = sha256_of(path, follow=True)
    records = store.imports()
    earlier = {r.symbol: r for r in records if r.sha256 == sha256}
    had = set(symbols) <= set(earlier)
    if had:
        require_same_clock(path, clock, choices, earlier[symbols[0]])
    if had and not choices.replace:
        return ImportReport(
            path.name, symbols, source.format, earlier[symbols[0]].clock, already_imported=True
        )
    markets = {known.symbol: known.market for known in store.instruments(symbols)}
    job = _Job(
        path,
        source,
        clock_of(path, source, clock, markets[symbols[0]], choices),
        choices,
        names,
        {name: Screen(name, markets[name], choices.allowance(FEW)) for name in symbols},
        {name: WeekEdges() for name in symbols},
        [] if named else name_notes(path, symbols[0], records),
    )
    with store.staging() as staging:
        repeats = job.stage(staging, progress)
        job.check(repeats)
        jumped = {} if source.ask_only else job.find_jumps(store, staging)
        merged = staging.merge(source.ask_only, choices.replace)
        job.check_merge(merged)
        rejected = sum(screen.rejected.count for screen in job.screens.values())
        for name, screen in job.screens.items():
            if name not in earlier or choices.replace:
                store.record_import(
                    ImportRecord(
                        path.name,
                        sha256,
                        name,
                        source.format,
                        job.clock_text,
                        screen.rows,
                        screen.rejected.count,
                        repeats.identical.get(name, 0),
                        screen.first_ns,
                        screen.last_ns,
                        choices.accepted(merged.replaced, "bars", rejected, jumped.get(name, ())),
                    )
                )
    return job.report(repeats, merged, jumped, time.perf_counter() - started)


@dataclass
class _Job:
    path: Path
    source: Source
    clock: FileClock
    choices: Choices
    names: Mapping[Symbol | None, str]
    screens: dict[str, Screen]
    weeks: dict[str, WeekEdges]
    name_notes: list[str]

    @property
    def clock_text(self) -> str:
        seen = [weeks for weeks in self.weeks.values() if weeks.first_ns is not None]
        return self.clock.describe(
            min((weeks.first_ns or 0 for weeks in seen), default=None),
            max((weeks.last_ns or 0 for weeks in seen), default=None),
        )

    def stage(self, staging: Staging, progress: Progress | None) -> Repeats:
        for chunk in self.source.chunks():
            name = self.names[chunk.symbol]
            screen = self.screens[name]
            self.weeks[name].see(chunk.wall_ns)
            utc = self.clock.opens(chunk.wall_ns)
            screen.see(utc, chunk.lines, chunk.columns, chunk.rejected)
            staging.append(screen.symbol, utc, chunk.lines, chunk.columns)
            left = (self.source.size - chunk.done) // self.source.shortest_row
            screen.check_so_far(str(self.path), max(left, 0))
            if progress is not None:
                progress(chunk.done, self.source.size)
        return staging.drop_repeats()

    def check(self, repeats: Repeats) -> None:
        # A later row that contradicts an earlier one is one more row left out.
        for symbol, line in repeats.differing:
            twice = Rejected(line, "its minute came before, with other values", "")
            self.screens[symbol].retract(twice)
        for symbol, screen in self.screens.items():
            screen.check(str(self.path))
            weeks = self.weeks[symbol]
            require_own_weeks(self.path, screen, self.source, self.clock, weeks, self.choices)

    def find_jumps(self, store: BarStore, staging: Staging) -> dict[str, list[Jump]]:
        """Where the file's prices do not go on from the stored ones, by symbol.

        Raises:
            DataError: anywhere, unless the user accepts it.
        """
        found = {}
        for name, screen in self.screens.items():
            if store.count(name).bars:
                seams = staging.seams(name, self.choices.replace)
                found[name] = jumps(seams, partial(store.load, name), screen.market)
                if not self.choices.accept_jump:
                    require_no_jump(self.path, name, found[name])
        return found

    def check_merge(self, merged: MergeReport) -> None:
        overlap = merged.duplicates + merged.conflicts + merged.replaced
        at = ", ".join(utc_text(int(t)) for t in merged.conflict_times_ns)
        where = f" (first at {at} UTC)"
        require_few_conflicts(self.path, "bars", merged.conflicts, overlap, where)
        if merged.unmatched and not overlap:
            raise DataError(
                f"{self.path}: ask prices without stored bid bars: import the bid first"
            )

    def report(
        self,
        repeats: Repeats,
        merged: MergeReport,
        jumped: Mapping[str, Sequence[Jump]],
        seconds: float,
    ) -> ImportReport:
        screens = list(self.screens.values())
        rejected = sum((screen.rejected for screen in screens), RejectedRows())
        notes = [*self.source.notes, *self.name_notes]
        if self.clock.note:
            notes.append(self.clock.note)
        if merged.unmatched:
            notes.append(f"{merged.unmatched:,} ask rows had no stored bid bar and were left out")
        for name, steps in jumped.items():
            notes += [f"{name} steps {step}, as was accepted" for step in steps]
        for screen in screens:
            notes += [f"kept, but suspicious: line {r.line}: {r.text}" for r in screen.wild]
            if screen.saturday_count:
                notes.append(f"{screen.saturday_count} bars fall on a Saturday (UTC)")
        return ImportReport(
            file=self.path.name,
            symbols=tuple(self.screens),
            format=self.source.format,
            clock=self.clock_text,
            rows=sum(s.rows for s in screens),
            inserted=merged.inserted,
            duplicates=merged.duplicates + sum(repeats.identical.values()),
            conflicts=merged.conflicts,
            replaced=merged.replaced,
            filled=merged.filled,
            rejected_count=rejected.count,
            rejected=rejected.first,
            first_ns=min((s.first_ns for s in screens if s.first_ns is not None), default=None),
            last_ns=max((s.last_ns for s in screens if s.last_ns is not None), default=None),
            notes=tuple(notes),
            seconds=seconds,
        )


def _open(path: Path, format_name: str, symbol: str | None) -> Source:
    if format_name == PARQUET:
        return ParquetSource.open(path, None if symbol is None else Symbol(symbol))
    if format_name == MICRO_FEATURES:
        return MicroFeaturesSource.open(path)
    return TextSource.open(path, format_name)
