"""Imports a file of bars: streams its chunks through clock and screens into staging."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, Self

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.clocks import Clock
from mlx_muzero.market.importers.busy_minutes import BusyMinutes
from mlx_muzero.market.importers.content import ImportRequest, Merged, SymbolPart
from mlx_muzero.market.importers.continuity import Jump, jumps, require_no_jump
from mlx_muzero.market.importers.file_clock import (
    FileClock,
    ambiguous_stamps_note,
    clock_of,
    require_own_stamps,
    require_own_weeks,
    require_same_clock,
)
from mlx_muzero.market.importers.file_names import name_notes, require_symbol
from mlx_muzero.market.importers.rejects import FEW, Rejected, RejectedRows
from mlx_muzero.market.importers.screen import Screen
from mlx_muzero.market.importers.source import BarSource, Chunk
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.import_table import ImportRecord
from mlx_muzero.market.store.staging import MergeReport, Repeats, Staging
from mlx_muzero.market.week_edges import Stamps, WeekEdges
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.types import I64


@dataclass
class _SymbolState:
    """What has been seen of one symbol: its rows, its times, its jumps from stored prices."""

    screen: Screen
    weeks: WeekEdges = field(default_factory=WeekEdges)
    busy: BusyMinutes = field(default_factory=BusyMinutes)
    jumps: list[Jump] = field(default_factory=list)

    def see(self, chunk: Chunk, utc_ns: I64) -> None:
        """Add rows of the file, which open at `utc_ns`."""
        self.weeks.see(chunk.wall_ns)
        # Only for coins: currencies have weeks, which tell more.
        if self.screen.market == "crypto" and "volume" in chunk.columns:
            self.busy.see(chunk.wall_ns, chunk.columns["volume"])
        if chunk.ticks is not None:
            self.screen.ticks = (self.screen.ticks or 0) + chunk.ticks
        self.screen.flats += chunk.flats
        self.screen.see(utc_ns, chunk.lines, chunk.columns, chunk.rejected)

    def stamps(self, clock: Clock) -> Stamps | None:
        """Where bars are stamped, as shown by weeks, days or volume; None if unclear."""
        if self.screen.ticks is not None:
            return "open"  # by the import itself, which made them
        return self.weeks.stamps(clock) or self.busy.stamps()


@dataclass(frozen=True)
class BarsContent:
    """Implements `Content` for bars.

    Attributes:
        names: the store's name for each symbol named in the file, or for None.
    """

    request: ImportRequest
    source: BarSource
    names: Mapping[Symbol | None, str]
    unit: Literal["bars"] = "bars"
    series: tuple[str, ...] = ()

    @classmethod
    def open(cls, store: BarStore, request: ImportRequest, source: BarSource) -> Self:
        """The content of `source`, with symbols as spelled in `store`.

        Raises:
            DataError: neither the file nor the user names the symbol.
        """
        named: Sequence[Symbol | None] = source.symbols or [None]
        asked = request.path, request.symbol, request.database
        names = {name: store.spelling(name or require_symbol(*asked)) for name in named}
        return cls(request, source, names)

    @property
    def format(self) -> str:
        """See `Content`."""
        return self.source.format

    @property
    def symbols(self) -> tuple[str, ...]:
        """See `Content`."""
        return tuple(self.names.values())

    def held_clock(self, earlier: Mapping[str, ImportRecord]) -> str | None:
        """See `Content`."""
        if not set(self.symbols) <= earlier.keys():
            return None
        record = earlier[self.symbols[0]]
        require_same_clock(self.request, record)
        return record.clock

    def merge(self, store: BarStore) -> Merged:
        """See `Content`."""
        request, source, choices = self.request, self.source, self.request.choices
        markets = {known.symbol: known.market for known in store.instruments(self.symbols)}
        clock = clock_of(request.path, source, request.clock, markets[self.symbols[0]], choices)
        seen = {
            name: _SymbolState(Screen(name, markets[name], choices.allowance(FEW)))
            for name in self.symbols
        }
        with store.staging() as staging:
            self._stage(staging, clock, seen)
            repeats = staging.drop_repeats()
            self._check(repeats, clock, seen)
            if not source.ask_only:
                self._find_jumps(store, staging, seen)
            merged = staging.merge(source.ask_only, choices.replace)
        if merged.unmatched and not (merged.duplicates + merged.conflicts + merged.replaced):
            raise DataError(
                f"{request.path}: ask prices without stored bid bars: import the bid first"
            )
        parts = [_part(one, repeats, merged) for one in seen.values()]
        at = ", ".join(utc_text(int(t)) for t in merged.conflict_times_ns)
        return Merged(
            clock=_clock_text(clock, seen),
            parts=parts,
            rows=sum(part.rows for part in parts),
            rejected=sum((one.screen.rejected for one in seen.values()), RejectedRows()),
            inserted=merged.inserted,
            stored=merged.duplicates,
            repeats=sum(repeats.identical.values()),
            conflicts=merged.conflicts,
            replaced=merged.replaced,
            notes=self._notes(store, clock, merged, seen),
            conflicts_at=f" (first at {at} UTC)",
            filled=merged.filled,
        )

    def _stage(self, staging: Staging, clock: FileClock, seen: Mapping[str, _SymbolState]) -> None:
        request, size = self.request, self.source.size
        for chunk in self.source.chunks():
            one = seen[self.names[chunk.symbol]]
            utc = clock.opens(chunk.wall_ns)
            one.see(chunk, utc)
            staging.append(one.screen.symbol, utc, chunk.lines, chunk.columns)
            left = (size - chunk.done) // self.source.shortest_row
            one.screen.check_so_far(str(request.path), max(left, 0))
            if request.progress is not None:
                request.progress(chunk.done, size)

    def _check(self, repeats: Repeats, clock: FileClock, seen: Mapping[str, _SymbolState]) -> None:
        # A later row that contradicts an earlier one counts as rejected.
        for symbol, line, open_ns in repeats.differing:
            minute = f"{utc_text(open_ns)} UTC"
            twice = Rejected(line, "its minute occurred before, with other values", minute)
            seen[symbol].screen.retract(twice)
        path, choices = self.request.path, self.request.choices
        for one in seen.values():
            one.screen.check(str(path))
            require_own_weeks(path, one.screen, self.source, clock, one.weeks, choices)
            require_own_stamps(path, one.screen.symbol, clock, one.stamps(clock.rule), choices)

    def _find_jumps(
        self, store: BarStore, staging: Staging, seen: Mapping[str, _SymbolState]
    ) -> None:
        choices = self.request.choices
        for name, one in seen.items():
            if store.count(name).bars:
                seams = staging.seams(name, choices.replace)
                one.jumps = jumps(seams, partial(store.load, name), one.screen.market)
                if not choices.accept_jump:
                    require_no_jump(self.request.path, name, one.jumps)

    def _notes(
        self,
        store: BarStore,
        clock: FileClock,
        merged: MergeReport,
        seen: Mapping[str, _SymbolState],
    ) -> list[str]:
        notes = list(self.source.notes)
        if not self.source.symbols:
            notes += name_notes(self.request, self.symbols[0], store.imports())
        if clock.note:
            notes.append(clock.note)
        ambiguous = [name for name, one in seen.items() if one.stamps(clock.rule) != "open"]
        if ambiguous and self.request.choices.stamps is None and self.source.stamps is None:
            notes.append(ambiguous_stamps_note(ambiguous, store.path))
        if merged.unmatched:
            notes.append(f"{merged.unmatched:,} ask rows had no stored bid bar and were left out")
        for name, one in seen.items():
            notes += [f"{name} jumps {step}, which was accepted" for step in one.jumps]
        for one in seen.values():
            screen = one.screen
            notes += [f"kept, but suspicious: line {r.line}: {r.text}" for r in screen.wild]
            if screen.saturday_count:
                notes.append(f"{screen.saturday_count} bars fall on a Saturday (UTC)")
        return notes


def _part(one: _SymbolState, repeats: Repeats, merged: MergeReport) -> SymbolPart:
    screen = one.screen
    return SymbolPart(
        screen.symbol,
        screen.rows,
        screen.rejected.count,
        repeats.identical.get(screen.symbol, 0),
        screen.first_ns,
        screen.last_ns,
        one.jumps,
        merged.inserted_of.get(screen.symbol, 0),
    )


def _clock_text(clock: FileClock, seen: Mapping[str, _SymbolState]) -> str:
    weeks = [one.weeks for one in seen.values() if one.weeks.first_ns is not None]
    return clock.describe(
        min((week.first_ns or 0 for week in weeks), default=None),
        max((week.last_ns or 0 for week in weeks), default=None),
    )
