"""What the watched process says, as its log has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Log

from mlx_muzero.untrusted.terminal_text import clean_line
from mlx_muzero.watch.log_tail import LogTail, log_of
from mlx_muzero.watchdog.log import FILE as WATCH_LOG

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
        "in a terminal says it there. v shows the log of paper watch, if one watches the session.\n"
        "up, down, page up, page down, home and end move; at the end, new lines move it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "next_log", "Next log", id="log.next"),
    ]

    app: Watcher

    def __init__(self) -> None:
        super().__init__(max_lines=MOST_LINES)
        self._tail: LogTail | None = None
        self._of_watch = False
        self._problem = ""

    def follow(self) -> None:
        """Show what the log of the watched run gained."""
        if self.app.no_run:
            self._say("no run is chosen: see 1 Runs")
            return
        run = self.app.watched.folder
        path = run / WATCH_LOG if self._of_watch else log_of(run)
        if self._tail is None or self._tail.path != path:
            self._tail, self._problem = LogTail(path), ""
            self.clear()
            self.border_title = Content(f"log: {clean_line(path.name)}")
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
        if new:  # its height is known only then
            self.call_after_refresh(self.scroll_end, animate=False)

    def copied(self) -> str:
        """The lines that are kept."""
        return "\n".join(self.lines)

    def action_next_log(self) -> None:
        """Show the log of the watch over the session, or that of the run again."""
        self._of_watch = not self._of_watch
        self.follow()

    def _say(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self._tail = LogTail(self._tail.path) if self._tail else None
            self.clear()
            self.write_line(clean_line(problem))
