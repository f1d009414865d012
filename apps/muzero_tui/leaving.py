"""The end by a signal: it always comes, and the terminal is as it was."""

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
"""For the application to end by itself; then the process is ended."""

_RESTORE = (
    b"\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1015l"  # mouse
    b"\x1b[?1004l\x1b[?2004l\x1b[<u"  # focus, paste, keys
    b"\x1b[?1049l\x1b[?25h"  # the screen of before, with its cursor
)


@contextmanager
def ended_by_signals(leave: Callable[[int], Any]) -> Iterator[None]:
    """While in the block, a thread of its own hears SIGTERM and SIGHUP.

    The application's own thread may be busy for long, and so may be the threads that the end of
    the process waits for: a signal is heard whatever they do.

    Args:
        leave: asks the application to end with an exit code; called in another thread.
    """
    heard, told = os.pipe()
    os.set_blocking(told, False)
    # The system's own handler writes the number there; Python's would wait for the main thread.
    before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    arguments = (heard, leave, _attributes())
    Thread(target=_listen, args=arguments, name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(told)


def _listen(heard: int, leave: Callable[[int], Any], attributes: list[Any] | None) -> None:
    while number := os.read(heard, 1):
        if number[0] in SIGNALS:
            _end(128 + number[0], leave, attributes)
    os.close(heard)


def _end(code: int, leave: Callable[[int], Any], attributes: list[Any] | None) -> None:
    Thread(target=leave, args=(code,), name="leave", daemon=True).start()
    time.sleep(PATIENCE_S)
    with suppress(OSError, termios.error):
        if attributes is not None:
            termios.tcsetattr(0, termios.TCSANOW, attributes)
        os.write(2, _RESTORE)
    os._exit(code)


def _attributes() -> list[Any] | None:
    """How the terminal is set; None where there is none."""
    try:
        return termios.tcgetattr(0)
    except (OSError, termios.error):
        return None
