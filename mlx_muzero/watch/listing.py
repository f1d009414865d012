"""The runs of a folder, at a glance."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlx_muzero.runlog.journal import JOURNAL, utc_now
from mlx_muzero.watch.ending import BEGINNINGS, ENDINGS, condition, ending_after
from mlx_muzero.watch.index import JournalIndex
from mlx_muzero.watch.process import holder
from mlx_muzero.watch.run import RunKind, run_kind
from mlx_muzero.watch.run_config import best_by_of
from mlx_muzero.watch.units import unit_of

_VALIDATIONS = 1000
"""Newest ones among which the best is looked for."""

MOST_BYTES = 64 * 2**20
"""Read of all journals at one look; what is left is read at the next ones."""

MOST_RUNS = 2000

MOST_AHEAD = timedelta(minutes=1)
"""Of the present, by a clock that is about right: a time yet to come says nothing of an order."""


@dataclass(frozen=True)
class RunSummary:
    """One run.

    Attributes:
        folder: of it.
        kind: "paper" or "training".
        condition: "running", "finished", "stopped", "diverged", "disconnected" or "no data";
            "reading" until its journal is read.
        changed: when its newest event was, by the journal; None without one.
        best: its best metric, in words; or why its journal cannot be read.
        skipped: lines of its journal that are no events.
    """

    folder: Path
    kind: RunKind
    condition: str
    changed: datetime | None
    best: str
    skipped: int


class RunListing:
    """The runs in `root`, and `root` itself if it is one; each call reads journals on."""

    def __init__(self, root: Path, clock: Callable[[], datetime] = utc_now) -> None:
        self.root = root
        self._clock = clock
        self._journals: dict[Path, JournalIndex] = {}
        self._left = 0

    def refresh(self) -> list[RunSummary]:
        """The runs, the one changed last first; one whose clock was wrong is among the last."""
        self._left = MOST_BYTES
        found = [self._summary(folder, kind) for folder, kind in self._folders()]
        latest, oldest = self._clock() + MOST_AHEAD, datetime.min.replace(tzinfo=UTC)

        def changed(run: RunSummary) -> datetime:
            return oldest if run.changed is None or run.changed > latest else run.changed

        return sorted(found, key=changed, reverse=True)

    def _folders(self) -> Iterator[tuple[Path, RunKind]]:
        try:
            inside = sorted(self.root.iterdir())
        except OSError:
            inside = []
        number = 0
        for folder in (self.root, *inside):
            if number < MOST_RUNS and (kind := run_kind(folder)):
                number += 1
                yield folder, kind

    def _summary(self, folder: Path, kind: RunKind) -> RunSummary:
        journal = self._journals.setdefault(folder, JournalIndex(folder / JOURNAL))
        if self._left > 0:
            before = journal.end
            journal.refresh(self._left)
            self._left -= max(journal.end - before, 0)
        best = _best_paper(journal) if kind == "paper" else _best_training(journal, folder)
        return RunSummary(
            folder,
            kind,
            _condition(folder, journal),
            journal.last_time,
            journal.problem or best,
            journal.skipped,
        )


def _condition(folder: Path, journal: JournalIndex) -> str:
    return condition(
        running=holder(folder) is not None,
        events=len(journal),
        ending=ending_after("", journal.last_kind([*ENDINGS, *BEGINNINGS])),
        reading=journal.behind,
    )


def _best_training(journal: JournalIndex, folder: Path) -> str:
    for event in reversed(journal.newest("validated", _VALIDATIONS)):
        if event["best"]:
            metrics = event["metrics"]
            unit = unit_of(folder, (journal.newest("started", 1) or [{}])[0])
            by_trade = best_by_of(folder) == "expectancy"
            chosen = "expectancy_pips" if by_trade else "net_pips_per_session"
            return (
                f"{metrics.get(chosen) or 0.0:+.2f} {unit} a {'trade' if by_trade else 'session'}, "
                f"{metrics.get('trades') or 0:,} trades"
            )
    return "no validation yet"


def _best_paper(journal: JournalIndex) -> str:
    for event in journal.newest("minute", 1):
        return f"equity {event['equity'] or 0.0:,.2f}, day {event.get('day_pnl') or 0.0:+,.2f}"
    return "no minute yet"
