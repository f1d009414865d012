"""Stops a training: on Ctrl-C, SIGTERM, a closed terminal, or when time is up."""

import signal
import time
from types import FrameType
from typing import Self

from mlx_muzero.processes.stop_signals import outlive_terminal, stop_signals
from mlx_muzero.runlog.closeable import Closeable


class StopSwitch(Closeable):
    """Asks training to stop on a signal or when time is up; a second Ctrl-C kills."""

    def __init__(self, minutes: float | None) -> None:
        self.interrupted = False
        self._deadline = None if minutes is None else time.monotonic() + 60.0 * minutes

    def __enter__(self) -> Self:
        self._handlers = {
            number: signal.signal(number, self._interrupt) for number in stop_signals()
        }
        return self

    def requested(self) -> bool:
        """Whether training should stop at the next step."""
        late = self._deadline is not None and time.monotonic() >= self._deadline
        return self.interrupted or late

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        self.interrupted = True
        self.close()
        if number == signal.SIGHUP:
            outlive_terminal()
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the shell and the system each send one

    def close(self) -> None:
        """Restore the previous signal handlers."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
