"""Ending on a signal: it always works, and restores the terminal."""

import os
import signal
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
PATIENCE_S = 3.0
"""How long the application may take to end on its own before the process is ended."""

_RESTORE = (
    b"\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1015l"  # mouse
    b"\x1b[?1004l\x1b[?2004l\x1b[<u"  # focus, paste, keys
    b"\x1b[?1049l\x1b[?25h"  # the previous screen and the cursor
)


@contextmanager
def ended_by_signals(leave: Callable[[int], Any]) -> Iterator[None]:
    """Handle SIGTERM and SIGHUP in a separate thread while in the block.

    The application's thread may be busy for a long time, and so may the threads that must end
    before the process can. The signal is handled whatever they do.

    Args:
        leave: asks the application to end with an exit code; called in another thread.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # The C handler writes the number there at once; Python's would wait for the main thread.
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    arguments = (reading, leave, _attributes())
    Thread(target=_listen, args=arguments, name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(writing)


def _listen(reading: int, leave: Callable[[int], Any], attributes: list[Any] | None) -> None:
    while number := os.read(reading, 1):
        if number[0] in SIGNALS:
            _end(128 + number[0], leave, attributes)
    os.close(reading)


def _end(code: int, leave: Callable[[int], Any], attributes: list[Any] | None) -> None:
    Thread(target=leave, args=(code,), name="leave", daemon=True).start()
    time.sleep(PATIENCE_S)
    with suppress(OSError, termios.error):
        if attributes is not None:
            termios.tcsetattr(0, termios.TCSANOW, attributes)
        os.write(2, _RESTORE)
    os._exit(code)


def _attributes() -> list[Any] | None:
    """The terminal's attributes; None without a terminal."""
    try:
        return termios.tcgetattr(0)
    except (OSError, termios.error):
        return None
