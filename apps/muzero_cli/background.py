"""A verb in a process of its own, watched from this one."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shlex import quote

from mlx_muzero.files.regular import descriptor
from mlx_muzero.watch.process import holder
from mlx_muzero.watch.run import run_kind
from muzero_cli.display.console import narration_console, say
from muzero_cli.verbs.tui import application, require_terminal, show

_LAST_LINES = 10


def begin_and_watch(run: Path, doing: str, stopping: Callable[[int], str]) -> None:
    """Begin the same verb without `--tui` in the background, and watch its run.

    Leaving the application leaves the process running. What that says goes to ``RUN.log`` beside
    the run; if it fails, before the run is begun or while it is watched, that is shown here.

    Args:
        run: folder that the process will hold.
        doing: what goes on in the process, in words.
        stopping: what ending the process of that number means, and the command for it.
    """
    # Nothing is begun that cannot be watched.
    require_terminal(run)
    application()
    console = narration_console()
    arguments = [argument for argument in sys.argv[1:] if argument != "--tui"]
    run.parent.mkdir(parents=True, exist_ok=True)
    before = holder(run)
    log_path = run.with_name(f"{run.name}.log")
    with os.fdopen(descriptor(log_path, os.O_RDWR | os.O_CREAT | os.O_APPEND), "a+b") as log:
        said_before = log.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "muzero_cli.main", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C and the end of this terminal are not for it
        )
        with console.status("loading"):
            begun = _begun(run, process, before)
        if begun:
            show(run)
        if process.poll() is None:
            say(
                console,
                f"{doing} is running in process {process.pid}; watch it: "
                f"mlx-muzero tui {quote(str(run))}; {stopping(process.pid)}",
            )
        elif process.returncode or not begun:
            log.seek(said_before)
            last = log.read().decode(errors="replace").splitlines()[-_LAST_LINES:]
            say(console, "\n".join([*last, f"({log_path} has all it said)"]))
            sys.exit(process.returncode)


def _begun(run: Path, process: "subprocess.Popen[bytes]", before: int | None) -> bool:
    """Waits until another process than `before` holds the run; False if `process` ends first."""
    while run_kind(run) is None or holder(run) in (None, before):
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
        return False
    return True
