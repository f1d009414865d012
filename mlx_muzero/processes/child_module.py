"""Starting a module of this library in a process of its own, and learning how it ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Collection
from typing import IO

END_S = 5.0
"""How long a process may take to end once it has to."""

_LAST_WORDS_BYTES = 4096
_MOST_WORDS_BYTES = 1 << 20


def spawn(
    module: str, argument: str, stderr: IO[bytes], descriptors: Collection[int] = ()
) -> "subprocess.Popen[bytes]":
    """``python -m module argument`` with nothing of this process but its environment.

    Args:
        module: to run.
        argument: its only one.
        stderr: file for what it says.
        descriptors: of files and sockets that it inherits under the same numbers.
    """
    return subprocess.Popen(
        # -P: nothing in the working directory is taken for a module.
        [sys.executable, "-P", "-m", module, argument],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        pass_fds=tuple(descriptors),
        process_group=0,  # Ctrl-C is for the parent alone
    )


def how_it_ended(process: "subprocess.Popen[bytes]", stderr: IO[bytes]) -> str:
    """By which signal or exit code, and its last words; waits for the end for `END_S`."""
    try:
        status = process.wait(END_S)
    except subprocess.TimeoutExpired:
        return "it does not end"
    how = f"by {signal.Signals(-status).name}" if status < 0 else f"with exit code {status}"
    stderr.seek(-min(_LAST_WORDS_BYTES, stderr.seek(0, os.SEEK_END)), os.SEEK_END)
    words = stderr.read().decode(errors="replace").strip().splitlines()
    return f"it ended {how}" + (f" ({words[-1].strip()})" if words else "")


def forget_words(stderr: IO[bytes]) -> None:
    """Empties the file of what a process said once that is long: it may run for weeks.

    The process shares the file's position, so it goes on at the beginning.
    """
    descriptor = stderr.fileno()
    if os.fstat(descriptor).st_size > _MOST_WORDS_BYTES:
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
