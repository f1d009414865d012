"""Runs a module of this library in a child process, and describes how it ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Collection
from typing import IO

END_S = 5.0
"""Seconds that a process may take to end when told to."""

_LAST_WORDS_BYTES = 4096
_MOST_WORDS_BYTES = 1 << 20


def spawn(
    module: str, argument: str, stderr: IO[bytes], descriptors: Collection[int] = ()
) -> "subprocess.Popen[bytes]":
    """Start ``python -m module argument``, which inherits only this process's environment.

    Args:
        module: the module to run.
        argument: its only argument.
        stderr: file for its error output.
        descriptors: descriptors of files and sockets that it inherits under the same numbers.
    """
    return subprocess.Popen(
        # -P: do not import modules from the working directory.
        [sys.executable, "-P", "-m", module, argument],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        pass_fds=tuple(descriptors),
        process_group=0,  # Ctrl-C goes to the parent only
    )


def spawn_apart(module: str, argument: str, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start ``python -m module argument``, which goes on when this process ends.

    All that it says is appended to `log`.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, argument],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def how_it_ended(
    process: "subprocess.Popen[bytes]", stderr: IO[bytes], chatter: tuple[str, ...] = ()
) -> str:
    """The signal or exit code, and the last line of stderr; waits up to `END_S` for the end.

    Lines that start with one of `chatter` say nothing about the end.
    """
    try:
        status = process.wait(END_S)
    except subprocess.TimeoutExpired:
        return "it did not end"
    how = f"by {signal.Signals(-status).name}" if status < 0 else f"with exit code {status}"
    stderr.seek(-min(_LAST_WORDS_BYTES, stderr.seek(0, os.SEEK_END)), os.SEEK_END)
    lines = map(str.strip, stderr.read().decode(errors="replace").splitlines())
    words = [line for line in lines if line and not line.startswith(chatter)]
    return f"it ended {how}" + (f" ({words[-1]})" if words else "")


def forget_words(stderr: IO[bytes]) -> None:
    """Truncate a process's stderr file if it has grown long: the process may run for weeks.

    The process shares the file's position, so it continues at the start.
    """
    descriptor = stderr.fileno()
    if os.fstat(descriptor).st_size > _MOST_WORDS_BYTES:
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
