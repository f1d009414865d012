"""Starts verbs in processes that outlive this one, with their output in a log next to the run."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from mlx_muzero.files.regular import descriptor


def opened_log(path: Path) -> BinaryIO:
    """The log at `path`, which must be a regular file, for reading and appending."""
    return os.fdopen(descriptor(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), "a+b")


def spawn(arguments: Sequence[str], log: BinaryIO) -> "subprocess.Popen[bytes]":
    """Start a verb in a process of its own that outlives this one and its terminal."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "muzero_cli.main", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # not ended by Ctrl-C or by closing this terminal
    )
