"""Stores what a venue sent, by the importers' rules, chunk by chunk, each entirely or not at all.

A chunk is one transaction: its bars, the fact that its minutes have been requested, and the record
of the import. So a download that ends at any instant continues from its last complete chunk.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import Fault, price_faults, utc_text
from mlx_muzero.market.importers.choices import Choices
from mlx_muzero.market.importers.continuity import Jump, jumps
from mlx_muzero.market.importers.rejects import NO_ROWS
from mlx_muzero.market.importers.report import CONFLICT_ALWAYS_ALLOWED, CONFLICT_MAX_FRAC
from mlx_muzero.market.importers.screen import Screen
from mlx_muzero.market.instrument import Market
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.import_table import ImportRecord
from mlx_muzero.market.store.location import in_store
from mlx_muzero.market.store.origin_table import BARS, Origin
from mlx_muzero.market.store.staging import ASK_COLUMNS, MergeReport
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import Bool
from mlx_muzero.venues.candle import NO_TIME, NOT_WHOLE
from mlx_muzero.venues.page import Page
from mlx_muzero.venues.spans import Span
from mlx_muzero.words import command

FORMAT = "download"
"""The format named in the record of a download."""
_REJECTED_FRAC, _REJECTED_FEW = 0.01, 10


@dataclass
class Taken:
    """Counts of one symbol's bars.

    Attributes:
        inserted: new bars.
        duplicates: bars already stored with the same values.
        filled: stored bars that got a column they lacked.
        conflicts: bars already stored with other values, which stay.
        replaced: stored bars that were replaced.
        rejected: impossible bars, by reason.
        conflicts_at: the first conflicting minutes, UTC nanoseconds.
    """

    inserted: int = 0
    duplicates: int = 0
    filled: int = 0
    conflicts: int = 0
    replaced: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    conflicts_at: list[int] = field(default_factory=list)

    def add(self, merged: MergeReport) -> None:
        """Add the counts of a chunk."""
        self.inserted += merged.inserted
        self.duplicates += merged.duplicates
        self.filled += merged.filled
        self.conflicts += merged.conflicts
        self.replaced += merged.replaced
        self.conflicts_at += merged.conflict_times_ns.tolist()


class Intake:
    """Stores the bars of one symbol.

    Args:
        store: open and writable; used by one thread at a time.
        origin: where they come from.
        market: when they trade.
        choices: what to do with bars that contradict the store.
    """

    def __init__(self, store: BarStore, origin: Origin, market: Market, choices: Choices) -> None:
        self._store, self._origin, self._market, self._choices = store, origin, market, choices
        self._rows = 0
        self._screen = Screen(origin.symbol, market)
        self.taken = Taken()

    def take(self, page: Page, asked: Span | None) -> None:
        """Store a chunk.

        Args:
            page: its bars, all complete, in order of time; a minute may occur more than once.
            asked: the requested minutes; those without a bar have none at the venue.

        Raises:
            DataError: the chunk contradicts too much of the store, or is impossible; none of it is
                stored.
            StorageError: the disk is full; none of it is stored.
        """
        page, rejected = _possible(page)
        # Venues repeat bars, in overlapping pages and otherwise: the first one counts.
        _, first = np.unique(page.open_time_ns, return_index=True)
        kept = np.zeros(len(page), np.bool_)
        kept[first] = True
        page = page.where(kept)
        self._check(page, rejected)
        with self._store.transaction():
            merged, found = self._merge(page)
            self._record(page, merged, rejected.total(), found)
            if asked is not None:
                self._store.origins.note_asked(self._origin.symbol, BARS, *asked)
        self.taken.add(merged)
        self.taken.rejected += rejected

    def _check(self, page: Page, rejected: Counter[str]) -> None:
        bad, seen = rejected.total(), len(page) + rejected.total()
        if bad > max(_REJECTED_FRAC * seen, _REJECTED_FEW):
            why = ", ".join(f"{count:,}: {reason}" for reason, count in rejected.items())
            raise self._refusal(f"{bad:,} of {seen:,} bars are impossible ({why}). Try again later")
        lines = np.arange(self._rows, self._rows + len(page))
        self._screen.see(page.open_time_ns, lines, dict(page.columns), NO_ROWS)
        if faults := self._screen.unlikely():
            raise self._refusal("; ".join(faults))

    def _merge(self, page: Page) -> tuple[MergeReport, list[Jump]]:
        symbol, choices = self._origin.symbol, self._choices
        with self._store.staging() as staging:
            if len(page):
                lines = np.arange(self._rows, self._rows + len(page))
                staging.append(symbol, page.open_time_ns, lines, page.columns)
                self._rows += len(page)
            found: list[Jump] = []
            if len(page) and self._store.count(symbol).bars:
                stored = partial(self._store.load, symbol)
                found = jumps(staging.seams(symbol, choices.replace), stored, self._market)
            if found and not choices.accept_jump:
                raise self._refusal(
                    f"its prices do not continue from the stored ones: {found[0]}. If prices did"
                    " jump like that, use --accept-jump"
                )
            merged = staging.merge(replace=choices.replace)
        overlap = merged.duplicates + merged.conflicts
        if merged.conflicts > max(CONFLICT_ALWAYS_ALLOWED, CONFLICT_MAX_FRAC * overlap):
            at = ", ".join(utc_text(int(time)) for time in merged.conflict_times_ns)
            rename = command("data", "rename", symbol, "NAME", *in_store(self._store.path))
            raise self._refusal(
                f"{merged.conflicts:,} of {overlap:,} bars already stored differ (first at {at}"
                " UTC), as if they were of another market. If the venue is right, use --replace;"
                f" otherwise rename what is stored ({rename})"
            )
        return merged, found

    def _record(self, page: Page, merged: MergeReport, rejected: int, found: list[Jump]) -> None:
        origin = self._origin
        sha256 = hashlib.sha256(f"{FORMAT} {origin}".encode()).hexdigest()
        accepted = self._choices.accepted(merged.replaced, "bars", rejected, found)
        used = [text for text in accepted if not text.startswith("--replace: 0 ")]
        ends = [int(page.open_time_ns[end]) for end in (0, -1)] if len(page) else [None, None]
        record = ImportRecord(
            file=str(origin),
            sha256=sha256,
            symbol=origin.symbol,
            format=FORMAT,
            clock="UTC",
            rows=merged.inserted + merged.replaced,
            rejected=rejected,
            repeats=0,
            first_ns=ends[0],
            last_ns=ends[1],
            accepted=tuple(used),
        )
        for earlier in self._store.imports():
            if (earlier.sha256, earlier.symbol) == (sha256, origin.symbol):
                record = _both(earlier, record)
        self._store.record_import(record)

    def _refusal(self, why: str) -> DataError:
        origin = self._origin
        return DataError(f"{origin} ({origin.symbol}): refused, the store is unchanged: {why}")


def _possible(page: Page) -> tuple[Page, Counter[str]]:
    """The possible bars of `page`, and the number of impossible ones by reason."""
    if not len(page):
        return page, Counter()
    columns, times = page.columns, page.open_time_ns
    faults = price_faults(*(columns[n] for n in ("open", "high", "low", "close", "volume")))
    reasons: list[tuple[Bool, str]] = [(faults == fault, fault.text) for fault in Fault if fault]
    if all(name in columns for name in ASK_COLUMNS):
        ask = price_faults(*(columns[name] for name in ASK_COLUMNS))
        ask[np.isnan(columns["close_ask"])] = Fault.NONE
        reasons += [(ask == fault, f"{fault.text} (ask)") for fault in Fault if fault]
    reasons = [(times < 0, NO_TIME), ((times >= 0) & (times % MINUTE_NS != 0), NOT_WHOLE), *reasons]
    good, rejected = np.ones(len(page), np.bool_), Counter[str]()
    for bad, reason in reasons:
        if count := int((good & bad).sum()):
            rejected[reason] += count
        good &= ~bad
    return page.where(good), rejected


def _both(earlier: ImportRecord, later: ImportRecord) -> ImportRecord:
    """The records of two chunks of a download as one."""
    return replace(
        later,
        rows=earlier.rows + later.rows,
        rejected=earlier.rejected + later.rejected,
        first_ns=min(
            (t for t in (earlier.first_ns, later.first_ns) if t is not None), default=None
        ),
        last_ns=max((t for t in (earlier.last_ns, later.last_ns) if t is not None), default=None),
        accepted=tuple(dict.fromkeys((*earlier.accepted, *later.accepted))),
    )
