"""Progress of downloads on stderr: one bar per symbol on a terminal, else a line now and then."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TimeRemainingColumn,
)

from mlx_muzero.runlog.closeable import Closeable
from muzero_cli.display.console import narration_console, say
from muzero_cli.display.pace import Pace
from muzero_cli.display.progress import SECONDS_BETWEEN_LINES
from muzero_cli.display.terminal import PlainColumn, TerminalConsole


@dataclass
class _Symbol:
    """One symbol: its minutes done and in total, and its bars."""

    task: TaskID
    done: int = 0
    total: int = 0
    bars: int = 0


class DownloadProgress(Closeable):
    """Shows what a `job.Listener` is told; the bars disappear at the end."""

    def __init__(
        self,
        console: TerminalConsole | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console or narration_console()
        self._clock_s = clock_s
        self._began_at = self._line_at = clock_s()
        self._symbols: dict[str, _Symbol] = {}
        self._pace = Pace()
        self._bars = Progress(
            PlainColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            PlainColumn("{task.fields[amount]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        if self._console.is_terminal:
            self._bars.start()

    def update(self, symbol: str, done: int, total: int, bars: int) -> None:
        """Show how far a symbol is; a `job.Progress`."""
        if symbol not in self._symbols:
            self._symbols[symbol] = _Symbol(self._bars.add_task(symbol, amount=""))
        known = self._symbols[symbol]
        known.done, known.total, known.bars = done, total, bars
        now = self._clock_s()
        self._pace.reach(sum(each.done for each in self._symbols.values()), now)
        pace = bars / max(now - self._began_at, 1e-9)
        amount = f"{bars:,} bars, {pace:,.0f}/s"
        self._bars.update(known.task, completed=done, total=max(total, 1), amount=amount)
        if not self._console.is_terminal and now - self._line_at >= SECONDS_BETWEEN_LINES:
            self._line_at = now
            self.say(self._line(now))

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        say(self._console, text)

    def close(self) -> None:
        """Remove the bars."""
        if self._bars.live.is_started:
            self._bars.stop()

    def _line(self, now: float) -> str:
        seconds = now - self._began_at
        known = self._symbols.values()
        done, total = sum(s.done for s in known), sum(s.total for s in known)
        bars = sum(s.bars for s in known)
        unfinished = [name for name, s in self._symbols.items() if s.done < s.total]
        line = f"{', '.join(unfinished) or 'done'}: {bars:,} bars, {bars / max(seconds, 1):,.0f}/s"
        left_s = self._pace.left_s(total, now)
        left = "" if left_s is None else f", {left_s:,.0f} s left"
        return f"{line}, {done / max(total, 1):.0%}{left}"
