"""A function called in a process of its own: ``python -m mlx_muzero.processes.isolated_call``.

For what may crash, hang or hold Python's lock, and for what is measured from a fresh start. What it
is given and what it returns are values of JSON.
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
"""How much later than the parent the process loses patience with itself."""


class CallFailed(Exception):
    """A function called apart gave no result; says why."""


def call_apart(function: str, arguments: dict[str, Any], limit_s: float) -> Any:
    """The result of ``function(**arguments)``, called in another process.

    Args:
        function: as ``module:function``.
        arguments: by name.
        limit_s: after so long the process is ended.

    Raises:
        CallFailed: the function raised an error, or its process died or took too long.
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
    """Does what `call_apart` has put into `folder`."""
    job = json.loads((folder / "job.json").read_text())
    # Without a parent to end it, the system's timer does.
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
