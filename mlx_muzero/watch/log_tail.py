"""Follows the log of a process, of which only the end is read."""

import os
from pathlib import Path

from mlx_muzero.files.regular import reader
from mlx_muzero.untrusted.terminal_text import clean_line

TAIL_BYTES = 64 * 2**10
"""How much is read of a log that was there before, and at most of what came since."""

MOST_CHARACTERS = 2000
"""Length of a line; what is longer is cut."""


class LogTail:
    """The last lines of a log, and then the new ones.

    Of a progress bar, which returns to the start of its line, the last state counts.

    Args:
        path: the log, which need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: tuple[int, int] | None = None
        self._offset = 0

    def new(self) -> tuple[list[str], bool]:
        """Whole lines since the last call, without control characters, and whether the log is new.

        It is new when first read, and when another file took its place or it was cut. If more was
        written than is read at once, the lines begin with the newest part.

        Raises:
            OSError: it cannot be read, or is not a regular file.
        """
        with reader(self.path) as file:
            found = os.fstat(file.fileno())
            this = found.st_dev, found.st_ino
            again = this != self._file or found.st_size < self._offset
            if again:
                self._file, self._offset = this, 0
            start = max(self._offset, found.st_size - TAIL_BYTES)
            file.seek(start)
            data = file.read(TAIL_BYTES)
        end = start + len(data)
        if start > self._offset:
            data = data.partition(b"\n")[2] or data  # its first line lacks its beginning
        whole, _, rest = data.rpartition(b"\n")
        if not whole and not data.startswith(b"\n"):
            return [], again  # a line still being written
        self._offset = end - len(rest)
        return [_shown(line) for line in whole.split(b"\n")], again


def _shown(line: bytes) -> str:
    text = line.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace")
    return clean_line(text[:MOST_CHARACTERS])
