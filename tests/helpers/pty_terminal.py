"""A pseudo-terminal with a command in it, which answers questions as some terminal does."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

PATIENCE_S = 60.0

DA1, KITTY = b"\x1b[c", b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
"""Questions: what are you, and would you show a pixel in Kitty's way?"""

XTERM = {DA1: b"\x1b[?64;1;2;6;22c"}
SIXEL = {DA1: b"\x1b[?62;4;22c"}
KITTYS = {KITTY: b"\x1b_Gi=31;OK\x1b\\", DA1: b"\x1b[?62;c"}
"""Answers of a terminal with characters alone, one with Sixel, and Kitty, in order."""


class Terminal:
    """Runs `mlx-muzero` with these arguments, or some code.

    Args:
        arguments: of the command.
        code: to run instead of the command.
        answers: by question.
        cell: width and height of a character in pixels.
        columns: of the terminal.
        lines: of the terminal.
        environment: variables besides those of the tests.
    """

    def __init__(
        self, *arguments, code="", answers=XTERM, cell=(0, 0), columns=80, lines=24, **environment
    ):
        self._main, other = pty.openpty()
        size = struct.pack("HHHH", lines, columns, columns * cell[0], lines * cell[1])
        fcntl.ioctl(other, termios.TIOCSWINSZ, size)
        program = ["-c", code] if code else ["-m", "muzero_cli.main"]
        self.process = subprocess.Popen(
            [sys.executable, *program, *map(str, arguments)],
            stdin=other, stdout=other, stderr=other, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns),
                 "LINES": str(lines), "PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        )  # fmt: skip
        os.close(other)
        self._unasked = dict(answers)
        self.written = b""

    def read_until(self, wanted):
        limit = time.monotonic() + PATIENCE_S
        while wanted not in self.written and time.monotonic() < limit:
            if not self.read():
                break
        assert wanted in self.written, self.written[-500:]

    def read(self, seconds=0.2):
        """What comes within so many seconds; false once there is nothing to come any more."""
        if select.select([self._main], [], [], seconds)[0]:
            try:
                self.written += os.read(self._main, 65536)
            except OSError:
                return False
        for question in [asked for asked in self._unasked if asked in self.written]:
            self.type(self._unasked.pop(question))
        return True

    def type(self, keys):
        os.write(self._main, keys)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._main)
