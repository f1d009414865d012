"""The runs of a folder, at a glance."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlx_muzero.watch.ending import BEGINNINGS, ENDINGS, ending_after
from mlx_muzero.watch.index import JournalIndex
from mlx_muzero.watch.process import holder
from mlx_muzero.watch.run import RunKind, run_kind

_VALIDATIONS = 1000
"""Newest ones among which the best is looked for."""


@dataclass(frozen=True)
class RunSummary:
    """One run.

    Attributes:
        folder: of it.
        kind: "paper" or "training".
        condition: "running", "finished", "stopped", "diverged", "disconnected" or "no data".
        changed: when its journal last was; None without one.
        best: its best metric, in words.
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

    def __init__(self, root: Path) -> None:
        self.root = root
        self._journals: dict[Path, JournalIndex] = {}

    def refresh(self) -> list[RunSummary]:
        """The runs, the one changed last first."""
        found = [self._summary(folder, kind) for folder, kind in self._folders()]
        oldest = datetime.min.replace(tzinfo=UTC)
        return sorted(found, key=lambda run: run.changed or oldest, reverse=True)

    def _folders(self) -> Iterator[tuple[Path, RunKind]]:
        inside = sorted(self.root.iterdir()) if self.root.is_dir() else []
        for folder in (self.root, *inside):
            if kind := run_kind(folder):
                yield folder, kind

    def _summary(self, folder: Path, kind: RunKind) -> RunSummary:
        path = folder / "journal.jsonl"
        journal = self._journals.setdefault(folder, JournalIndex(path))
        journal.refresh()
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None
        best = _best_paper(journal) if kind == "paper" else _best_training(journal)
        return RunSummary(folder, kind, _condition(folder, journal), changed, best, journal.skipped)


def _condition(folder: Path, journal: JournalIndex) -> str:
    if holder(folder) is not None:
        return "running"
    if not len(journal):
        return "no data"
    return ending_after("", journal.last_kind([*ENDINGS, *BEGINNINGS])) or "disconnected"


def _best_training(journal: JournalIndex) -> str:
    for event in reversed(journal.newest("validated", _VALIDATIONS)):
        if event.get("best"):
            metrics = event.get("metrics", {})
            return (
                f"{metrics.get('expectancy_pips', 0):+.2f} pips a trade, "
                f"{metrics.get('trades', 0):,} trades"
            )
    return "no validation yet"


def _best_paper(journal: JournalIndex) -> str:
    for event in journal.newest("minute", 1):
        return f"equity {event.get('equity', 0):,.2f}, day {event.get('day_pnl', 0):+,.2f}"
    return "no minute yet"
