"""Commands a session that another process trades, and ends that process."""

import time
from pathlib import Path

from mlx_muzero import words
from mlx_muzero.errors import RunError
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.runlog.control import send

_ENDING_S = 60.0
_LOOK_EVERY_S = 0.1


def command(folder: PaperFolder, name: str, **arguments: str) -> str:
    """Have the process that trades in `folder` do a command; returns what follows from it.

    Raises:
        RunError: no process trades there, or it refuses or does not answer.
    """
    if folder.holder() is None:
        raise RunError(
            f"{folder.path}: no running process takes commands there. {way_on(folder.path)}"
        )
    return send(folder.socket_path, name, arguments=arguments)


def end(folder: PaperFolder) -> int:
    """End the process that trades in `folder`, wait until it has, and return its number.

    Raises:
        RunError: there is none, or it does not end.
    """
    run, pid = folder.path, folder.holder()
    if pid is None:
        raise RunError(f"{run}: no process trades there. {way_on(run)}")
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


def way_on(run: Path) -> str:
    """What to do about a session in `run` that nobody trades."""
    return f"Go on with: {words.command('paper', 'start', '--run', run)}"
