"""What `mlx-muzero paper` does to a session that runs: commands, and the wait for its end."""

from pathlib import Path

from mlx_muzero.paper import remote
from mlx_muzero.paper.records.folder import PaperFolder
from muzero_cli.display.console import echo
from muzero_cli.failures import answer


def command(run: Path, name: str, as_json: bool, **arguments: str) -> None:
    """Have the session at `run` do a command, and print what follows from it."""
    text = remote.command(PaperFolder.of_session(run), name, **arguments)
    if as_json:
        answer({"command": name, **arguments, "text": text})
    else:
        echo(f"{name}: {text}")


def stop(run: Path, as_json: bool) -> None:
    """End the process that trades at `run`, and wait until it has."""
    pid = remote.end(PaperFolder.of_session(run))
    text = f"the session has ended; positions stay as they are. {remote.way_on(run)}"
    if as_json:
        answer({"command": "stop", "pid": pid, "text": text})
    else:
        echo(f"stop: {text}")
