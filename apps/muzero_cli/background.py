"""A verb in a process of its own, watched from this one."""

import subprocess
import sys
from pathlib import Path

from rich.console import Console

from mlx_muzero.watch.run import run_kind
from muzero_cli.tui import show


def train_and_watch(run: Path) -> None:
    """Begin the same `train` without `--tui` in the background, and watch it.

    Leaving the application leaves it training. What it says goes to ``RUN.log`` beside the run, and
    is shown when it ends before the run is begun.
    """
    arguments = [argument for argument in sys.argv[1:] if argument != "--tui"]
    run.parent.mkdir(parents=True, exist_ok=True)
    log = run.with_name(f"{run.name}.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "muzero_cli.main", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C and the end of this terminal are not for it
        )
    console = Console(stderr=True)
    with console.status("reading bars"):
        ended = _begun(run, process)
    if ended is not None:
        console.print(log.read_text(errors="replace"), markup=False, highlight=False, end="")
        sys.exit(ended)
    show(run)
    if process.poll() is None:
        console.print(
            f"training goes on in process {process.pid}; watch it: mlx-muzero tui {run}; "
            f"stop it with a checkpoint: kill {process.pid}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _begun(run: Path, process: "subprocess.Popen[bytes]") -> int | None:
    """Waits for the run's folder; the exit code of a process that ended before it."""
    while run_kind(run) is None:
        try:
            return process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
    return None
