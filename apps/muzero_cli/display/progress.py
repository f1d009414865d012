"""Progress of a long verb on stderr: a bar on a terminal, elsewhere a line every few seconds."""

import time
from collections.abc import Callable

from rich.progress import BarColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

from mlx_muzero.runlog.closeable import Closeable
from muzero_cli.display.console import narration_console, say
from muzero_cli.display.pace import Pace
from muzero_cli.display.terminal import PlainColumn, TerminalConsole

SECONDS_BETWEEN_LINES = 10.0


class VerbProgress(Closeable):
    """Shows what is being done and how much of it is done; the bar disappears at the end.

    A verb calls `doing` when work starts and `tick` when some of it is done. Without a terminal,
    work that takes less than `SECONDS_BETWEEN_LINES` prints nothing.
    """

    def __init__(
        self,
        what: str = "",
        total: int | None = None,
        console: TerminalConsole | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console or narration_console()
        self._clock_s = clock_s
        self._line_at = clock_s()
        self._bar = Progress(
            PlainColumn("{task.description}"),
            PlainColumn("{task.fields[amount]}"),
            BarColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("", amount="")
        self.doing(what, total)
        if self._console.is_terminal:
            self._bar.start()

    def doing(self, what: str, total: int | None = None) -> None:
        """Start showing other work; `total` is its amount, if known."""
        self._what, self._done, self._total = what, 0, total
        self._began_at, self._pace = self._clock_s(), Pace()
        self._bar.reset(self._task, description=what, total=total, amount=self._amount)

    def tick(self, count: int = 1) -> None:
        """Count `count` more as done; 0 only shows that work continues."""
        self.reach(self._done + count, self._total)

    def reach(self, done: int, total: int | None) -> None:
        """Set how much is done, out of `total`."""
        self._done, self._total = done, total
        self._bar.update(self._task, completed=done, total=total, amount=self._amount)
        now = self._clock_s()
        self._pace.reach(done, now)
        if not self._console.is_terminal and now - self._line_at >= SECONDS_BETWEEN_LINES:
            self._line_at = now
            say(self._console, self._line(now))

    def close(self) -> None:
        """Remove the bar."""
        if self._bar.live.is_started:
            self._bar.stop()

    @property
    def _amount(self) -> str:
        done = f"{self._done:,}"
        return done if self._total is None else f"{done} of {self._total:,}"

    def _line(self, now: float) -> str:
        seconds = now - self._began_at
        line = f"{self._what} {self._amount}, {seconds:.0f} s"
        left_s = None if self._total is None else self._pace.left_s(self._total, now)
        return line if left_s is None else f"{line}, {left_s:,.0f} s left"
