"""The log of a watch, in the folder of the run that it watches."""

from collections.abc import Callable
from pathlib import Path

from mlx_muzero.runlog.folders import append_line
from mlx_muzero.runlog.journal import Clock, utc_now
from mlx_muzero.runlog.logs import WATCH_LOG
from mlx_muzero.untrusted.terminal_text import clean_line

_MOST_BYTES = 1_000_000


class WatchLog:
    """Writes what a watch says to ``watch.log`` in `run`, with the time, and passes it on.

    A log of a megabyte becomes ``watch.log.1`` in the place of the one before.
    """

    def __init__(self, run: Path, say: Callable[[str], None], clock: Clock = utc_now) -> None:
        self._path, self._say, self._clock = run / WATCH_LOG, say, clock

    def say(self, text: str) -> None:
        """Write and say `text`; a disk that refuses is told, and the watch goes on."""
        self._say(text)
        line = f"{self._clock().isoformat(timespec='seconds')} {clean_line(text)}"
        try:
            if self._path.exists() and self._path.stat().st_size > _MOST_BYTES:
                self._path.replace(self._path.with_name(f"{WATCH_LOG}.1"))
            append_line(self._path, line.encode())
        except OSError as error:
            self._say(f"{self._path}: {error.strerror or error}")
