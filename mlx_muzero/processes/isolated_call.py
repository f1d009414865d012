"""Calls a function in a process of its own: ``python -m mlx_muzero.processes.isolated_call``.

For functions that may crash, hang or hold the GIL, and for measurements that need a fresh process.
Arguments and results are JSON values.
"""

import json
import signal
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from mlx_muzero.errors import MuZeroError
from mlx_muzero.processes.child_module import how_it_ended, spawn

GRACE_S = 5.0
"""Seconds after the parent's time limit at which the process kills itself."""


class CallFailed(Exception):
    """A function called in a process of its own gave no result; says why."""


def call_in_child(function: str, arguments: dict[str, Any], limit_s: float) -> Any:
    """Call ``function(**arguments)`` in another process and return its result.

    Args:
        function: the function, as ``module:function``.
        arguments: its arguments by name.
        limit_s: time limit in seconds, after which the process is killed.

    Raises:
        CallFailed: the function raised an exception, or its process died or took too long.
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as stderr:
        job = {"function": function, "arguments": arguments, "limit_s": limit_s}
        Path(folder, "job.json").write_text(json.dumps(job))
        process = spawn("mlx_muzero.processes.isolated_call", folder, stderr)
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise CallFailed(f"no answer in {limit_s:g} s") from error
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            raise CallFailed(how_it_ended(process, stderr))
        return json.loads(Path(folder, "result.json").read_text())


def main(folder: Path) -> None:
    """Run the job that `call_in_child` put into `folder`."""
    job = json.loads((folder / "job.json").read_text())
    # If the parent is gone, the system's timer ends this process.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, job["limit_s"] + GRACE_S)
    module, _, name = job["function"].partition(":")
    result = getattr(import_module(module), name)(**job["arguments"])
    (folder / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except MuZeroError as error:
        sys.exit(str(error))
