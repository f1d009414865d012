"""Runs a command in its own pseudo-terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

POLL_S = 0.002

_QUESTION, _ANSWER = b"\x1b[c", b"\x1b[?64;1;2;22c"
"""What are you (DA1)? A terminal of characters; every terminal answers."""


class Terminal:
    """A terminal that records what is painted and when.

    Attributes:
        pid: of the command.
    """

    def __init__(self, command: Sequence[str], columns: int, lines: int) -> None:
        self._own_end, other_end = pty.openpty()
        fcntl.ioctl(other_end, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._written = b""
        self._reads: list[tuple[float, int]] = []
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=other_end, stdout=other_end, stderr=other_end, start_new_session=True,
            # Users' modules are compiled once, so an environment that forbids it is not theirs.
            env=os.environ | {"TERM": "xterm-256color", "PYTHONDONTWRITEBYTECODE": ""},
        )  # fmt: skip
        os.close(other_end)
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def seconds_until(self, painted: str) -> float:
        """Seconds from the command's start until that text is painted.

        Raises:
            SystemExit: the command ended without.
        """
        wanted = painted.encode()
        while (place := self._written.find(wanted)) < 0:
            if not self._reader.is_alive() and wanted not in self._written:
                raise SystemExit(f"never painted {painted!r}, but {self._written[-1000:]!r}")
            time.sleep(POLL_S)
        end = place + len(wanted)
        return next(at for at, length in self._reads if length >= end) - self._started

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._own_end, keys.encode())

    def wait(self) -> None:
        """Wait until the command has ended."""
        self._process.wait()
        self._reader.join()
        os.close(self._own_end)

    def _read(self) -> None:
        with suppress(OSError):  # the other end is closed
            while chunk := os.read(self._own_end, 65536):
                self._reads.append((time.perf_counter(), len(self._written) + len(chunk)))
                self._written += chunk
                if _QUESTION in chunk:
                    os.write(self._own_end, _ANSWER)


@contextmanager
def quit_by_q(command: Sequence[str], columns: int, lines: int) -> Iterator[Terminal]:
    """Run the command, and quit it with q at the end of the block."""
    terminal = Terminal(command, columns, lines)
    try:
        yield terminal
    finally:
        terminal.type("q")
        terminal.wait()
