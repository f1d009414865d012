"""The process that makes a candidate, as the session's process sees it."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Protocol

from mlx_muzero.files.regular import descriptor, require_folder
from mlx_muzero.paper.retraining.job import MODULE, Job
from mlx_muzero.processes.child_module import END_S, how_it_ended, spawn
from mlx_muzero.processes.lifeline import Lifeline


class Making(Protocol):
    """A candidate in the making."""

    def wait(self) -> str | None:
        """Wait for the end; why there is no verdict, None if there is one."""

    def end(self) -> None:
        """End it, within seconds; it can be gone on with."""


Make = Callable[[Job, int], Making]
"""Begins or goes on with a job, in a process that is nicer by so much.

Raises:
    OSError: it cannot be started.
"""


class CandidateProcess:
    """A process of `mlx_muzero.paper.retraining.candidate`; see `Making`."""

    def __init__(self, job: Job, niceness: int) -> None:
        folder = job.folder
        require_folder(folder.path.parent)
        folder.path.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        self._folder = folder
        self._log = os.fdopen(descriptor(folder.log_path, flags), "r+b", buffering=0)
        self._lifeline = Lifeline()
        facts = json.loads(job.text)
        facts |= {"niceness": niceness, "lifeline": self._lifeline.descriptor}
        try:
            self._process = spawn(
                MODULE, json.dumps(facts), self._log, (self._lifeline.descriptor,)
            )
        finally:
            self._lifeline.handed_over()

    def wait(self) -> str | None:
        """See `Making.wait`."""
        status = self._process.wait()
        ended = how_it_ended(self._process, self._log)
        self._log.close()
        self._lifeline.close()
        if status == 0 and self._folder.verdict_path.exists():
            return None
        return f"{ended}; {self._folder.log_path} says more"

    def end(self) -> None:
        """See `Making.end`."""
        self._process.send_signal(signal.SIGTERM)  # a training saves what it has learned
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
