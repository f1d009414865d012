"""What the watched process and its helpers say, as their logs have it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Log

from mlx_muzero.runlog.logs import log_of, logs_of
from mlx_muzero.untrusted.terminal_text import clean_line
from mlx_muzero.watch.log_tail import LogTail

if TYPE_CHECKING:
    from muzero_tui.watcher import Watcher

MOST_LINES = 2000


class LogPane(Log):
    """Follows the log at its end; scrolled up, it stays where it is."""

    DEFAULT_CSS = (
        "LogPane { height: 1fr; background: $background; overflow: auto; scrollbar-size: 1 1; }"
    )
    DEFAULT_CLASSES = "framed"
    TITLE: ClassVar[str] = "log"
    HELP: ClassVar[str] = (
        "What the process says, whatever moment the other screens show. A process in the "
        "background, of --tui or of a service, writes it to RUN.log next to the run; one started "
        "in a terminal says it there.\n"
        "v goes through the other logs that the run has: watch.log of paper watch, "
        "auto-backend.log of the measurement in the background of what plays it fastest, and "
        "log.txt of each candidate that was retrained, the newest first.\n"
        "up, down, page up, page down, home and end move; at the end, new lines move it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "next_log", "Next log", id="log.next"),
    ]

    app: Watcher

    def __init__(self) -> None:
        super().__init__(max_lines=MOST_LINES)
        self._tail: LogTail | None = None
        self._run: Path | None = None
        self._problem = ""

    def follow(self) -> None:
        """Show what the log gained: the watched run's own, or the one that was chosen."""
        if self.app.no_run:
            self._say("no run is chosen: see 1 Runs")
            return
        run = self.app.watched.folder
        if self._tail is None or run != self._run:
            self._run = run
            self._show(log_of(run))
        assert self._tail is not None
        path, logs = self._tail.path, logs_of(run)
        place = f" {logs.index(path) + 1} of {len(logs)}" if path in logs and len(logs) > 1 else ""
        self.border_title = Content(f"log{place}: {_named(path, run)}")
        try:
            lines, new = self._tail.new()
        except FileNotFoundError:
            self._say(f"no data: there is no {path.name}; a process in a terminal says it there")
            return
        except OSError as error:
            self._say(f"{path.name} is not shown: {error.strerror or error}")
            return
        if new or self._problem:
            self.clear()
            self._problem = ""
        if lines:
            self.write_lines(lines)
        if new:
            self.anchor()

    def copied(self) -> str:
        """The lines that are kept."""
        return "\n".join(self.lines)

    def action_next_log(self) -> None:
        """Show the next log of the run."""
        if self._tail is not None and self._run is not None:
            logs = logs_of(self._run)
            place = logs.index(self._tail.path) if self._tail.path in logs else -1
            self._show(logs[(place + 1) % len(logs)])
            self.follow()

    def _show(self, path: Path) -> None:
        if self._tail is None or self._tail.path != path:
            self._tail, self._problem = LogTail(path), ""
            self.clear()

    def _say(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self._tail = LogTail(self._tail.path) if self._tail else None
            self.clear()
            self.write_line(clean_line(problem))


def _named(log: Path, run: Path) -> str:
    """The log's path from the run's folder on."""
    return clean_line(str(log.relative_to(run)) if log.is_relative_to(run) else log.name)
