"""What `mlx-muzero paper` does to a session that runs: commands, and the wait for its end."""

import time
from pathlib import Path
from shlex import quote

from mlx_muzero.errors import RunError
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.runlog.control import send
from muzero_cli.display.console import echo
from muzero_cli.failures import answer

_ENDING_S = 60.0
_LOOK_EVERY_S = 0.1


def command(run: Path, name: str, as_json: bool, **arguments: str) -> None:
    """Have the session at `run` do a command, and print what follows from it."""
    folder = session_at(run)
    if folder.holder() is None:
        raise RunError(f"{run}: no running process takes commands there. {_go_on(run)}")
    text = send(folder.socket_path, name, arguments=arguments)
    if as_json:
        answer({"command": name, **arguments, "text": text})
    else:
        echo(f"{name}: {text}")


def stop(run: Path, as_json: bool) -> None:
    """End the process that trades at `run`, and wait until it has."""
    pid = end(session_at(run))
    text = f"the session has ended; positions stay as they are. {_go_on(run)}"
    if as_json:
        answer({"command": "stop", "pid": pid, "text": text})
    else:
        echo(f"stop: {text}")


def end(folder: PaperFolder) -> int:
    """End the process that trades in `folder`, wait until it has, and return its number.

    Raises:
        RunError: there is none, or it does not end.
    """
    run, pid = folder.path, folder.holder()
    if pid is None:
        raise RunError(f"{run}: no process trades there. {_go_on(run)}")
    try:
        send(folder.socket_path, "stop")
    except RunError as error:
        if folder.holder() != pid:
            raise RunError(f"{run}: process {pid} ended by itself meanwhile.") from error
        raise RunError(f"{error}. End it by its number: kill {pid}") from error
    until_s = time.monotonic() + _ENDING_S
    while folder.holder() == pid:
        if time.monotonic() > until_s:
            raise RunError(
                f"{run}: process {pid} was asked to stop and has not ended after {_ENDING_S:g} s; "
                f"kill {pid} ends it as it is, and nothing is lost"
            )
        time.sleep(_LOOK_EVERY_S)
    return pid


def _go_on(run: Path) -> str:
    return f"Go on with: mlx-muzero paper start --run {quote(str(run))}"


def session_at(run: Path) -> PaperFolder:
    """The folder of the session at `run`.

    Raises:
        RunError: there is none.
    """
    folder = PaperFolder(run)
    if not folder.exists:
        raise folder.missing
    return folder
