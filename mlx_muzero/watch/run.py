"""One watched run: its kind, its journal, the state of the moment shown, and who runs it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlx_muzero.config.choices import BestBy
from mlx_muzero.runlog.folder_kinds import Contents, contents_of
from mlx_muzero.runlog.journal import JOURNAL, utc_now
from mlx_muzero.untrusted.json_values import finite, in_unit
from mlx_muzero.watch.ending import condition
from mlx_muzero.watch.index import JournalIndex
from mlx_muzero.watch.playback import Playback
from mlx_muzero.watch.process import holder
from mlx_muzero.watch.run_config import best_by_of, precision_of
from mlx_muzero.watch.units import unit_of

if TYPE_CHECKING:
    from mlx_muzero.watch.paper_state import PaperState
    from mlx_muzero.watch.train_state import TrainState

RunKind = Literal["training", "paper"]

_WATCHED: dict[Contents, RunKind] = {"training run": "training", "paper session": "paper"}

_AT_ONCE = 2000
"""New events folded one by one; more are sampled anew."""


def run_kind(folder: Path) -> RunKind | None:
    """Of a run folder; None if it is none, or cannot be looked into."""
    try:
        contents = contents_of(folder)
    except OSError:
        return None
    return None if contents is None else _WATCHED.get(contents)


class WatchedRun:
    """A run folder, read only; `poll` moves everything on.

    Attributes:
        folder: of the run.
        kind: "paper" or "training"; None while it is no run.
        index: of its journal.
        playback: which of it is shown.
        state: of what is shown.
        pid: of the process that runs it; None without one.
        version: changes whenever something to be shown does.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime] = utc_now) -> None:
        self.folder = folder
        self.kind = run_kind(folder)
        self.index = JournalIndex(folder / JOURNAL)
        self.playback = Playback(self.index, clock)
        self.state: TrainState | PaperState = self._blank()
        self.pid: int | None = None
        self.version = 0
        self._folded = 0

    @property
    def condition(self) -> str:
        """Running, how it ended, "disconnected" if that was without a word, or "no data"."""
        return condition(
            running=self.pid is not None, events=len(self.index), ending=self.state.ending
        )

    @property
    def unit(self) -> str:
        """What the run's figures are in: "pips" or "bps"."""
        return unit_of(self.folder, self.state.began)

    @property
    def best_by(self) -> BestBy:
        """What chooses a training's best checkpoint."""
        return best_by_of(self.folder)

    @property
    def precision(self) -> str:
        """`search.precision` in force: what a paper session chose, or a training computes in."""
        return str(self.state.began.get("precision") or precision_of(self.folder))

    def as_dict(self) -> dict[str, Any]:
        """Everything that is shown, for JSON; pips are called what they are."""
        return finite(
            {
                "run": str(self.folder),
                "kind": self.kind,
                "condition": self.condition,
                "pid": self.pid,
                "events": len(self.index),
                "skipped_lines": self.index.skipped,
                "unknown_events": self.index.unknown,
                "problem": self.index.problem,
            }
            | in_unit(self.state.as_dict(), self.unit)
            | {"unit": self.unit}
        )

    def poll(self) -> None:
        """Look for what is new."""
        before = self._told
        self.kind = run_kind(self.folder)
        if self.index.refresh():
            self.playback.live()
            self._folded = 0
        self.playback.advance()
        self._fold()
        self.pid = holder(self.folder)
        if before != self._told:
            self.version += 1

    @property
    def _told(self) -> tuple[object, ...]:
        """What is shown besides the state."""
        index = self.index
        return self.pid, self.playback.mode, index.skipped, index.unknown, index.problem

    def _fold(self) -> None:
        position = self.playback.position
        new = position - self._folded
        if new == 0:
            return
        if 0 < new <= _AT_ONCE and self._folded:
            events = self.index.events(self._folded, position)
        else:
            self.state = self._blank()
            events = self.index.sampled(position, self.state.CURVES)
        for event in events:
            self.state.apply(event)
        self._folded = position
        self.version += 1

    def _blank(self) -> "TrainState | PaperState":
        if self.kind == "paper":
            from mlx_muzero.watch.paper_state import PaperState

            return PaperState()
        from mlx_muzero.watch.train_state import TrainState

        return TrainState()
