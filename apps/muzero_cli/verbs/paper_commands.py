"""The `mlx-muzero paper` verbs that command a running session or end it."""

from pathlib import Path

from mlx_muzero.paper import remote
from mlx_muzero.paper.records.folder import PaperFolder
from muzero_cli.display.console import echo
from muzero_cli.failures import answer


def command(run: Path, name: str, as_json: bool, **arguments: str) -> None:
    """Send a command to the session at `run`, and print its answer."""
    text = remote.command(PaperFolder.of_session(run), name, **arguments)
    if as_json:
        answer({"command": name, **arguments, "text": text})
    else:
        echo(f"{name}: {text}")


def stop(run: Path, as_json: bool) -> None:
    """End the process that trades at `run`, and wait until it has ended."""
    pid = remote.end(PaperFolder.of_session(run))
    text = f"the session has ended; positions stay open. {remote.way_on(run)}"
    if as_json:
        answer({"command": "stop", "pid": pid, "text": text})
    else:
        echo(f"stop: {text}")
