"""Runs a verb in a background process, and watches it from this one."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mlx_muzero.runlog.logs import log_of
from mlx_muzero.watch.process import holder
from mlx_muzero.watch.run import run_kind
from mlx_muzero.words import command
from muzero_cli.display.console import narration_console, say
from muzero_cli.spawning import opened_log, spawn
from muzero_cli.verbs.tui import application, require_terminal, show

_LAST_LINES = 10


def start_and_watch(run: Path, doing: str, stopping: Callable[[int], str]) -> None:
    """Start the same verb without `--tui` in the background, and watch its run.

    Leaving the application leaves the process running. Its output goes to ``RUN.log`` next to the
    run; if it fails before the run starts or while it is watched, the end of its output is printed.

    Args:
        run: folder that the process will hold.
        doing: what the process does, in words.
        stopping: given its PID, how to stop the process and what that means.
    """
    # Start nothing that cannot be watched.
    require_terminal(run)
    application()
    console = narration_console()
    arguments = [argument for argument in sys.argv[1:] if argument != "--tui"]
    run.parent.mkdir(parents=True, exist_ok=True)
    before = holder(run)
    log_path = log_of(run)
    with opened_log(log_path) as log:
        start = log.tell()
        process = spawn(arguments, log)
        with console.status("loading"):
            started = _started(run, process, before)
        if started:
            show(run)
        if process.poll() is None:
            say(
                console,
                f"{doing} is running in process {process.pid}; watch it: "
                f"{command('tui', run)}; {stopping(process.pid)}",
            )
        elif process.returncode or not started:
            log.seek(start)
            last = log.read().decode(errors="replace").splitlines()[-_LAST_LINES:]
            say(console, "\n".join([*last, f"(all of its output is in {log_path})"]))
            sys.exit(process.returncode)


def _started(run: Path, process: "subprocess.Popen[bytes]", before: int | None) -> bool:
    """Wait until a process other than `before` holds the run; False if `process` ends first."""
    while run_kind(run) is None or holder(run) in (None, before):
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
        return False
    return True
