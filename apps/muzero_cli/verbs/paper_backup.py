"""`mlx-muzero paper backup` and `paper restore`: move an account to another machine."""

from dataclasses import asdict
from pathlib import Path

from mlx_muzero.exports.program import PLAYS
from mlx_muzero.market.bars import utc_text
from mlx_muzero.paper.handover import back_up, move_away
from mlx_muzero.paper.records.backup import Backup, restore_backup
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.words import command
from muzero_cli.display.console import echo, narration_console, say
from muzero_cli.failures import answer


def backup(run: Path, file: Path, move: bool, as_json: bool) -> None:
    """Write the session at `run` to `file`, even while it trades; `move` ends it here for good."""
    account = PaperFolder.of_session(run)
    made = move_away(account, file) if move else back_up(account, file)
    _tell(
        made,
        f"{file}: the account of {run} as it was {_moment(made)}, {_size(made)}"
        + ("; it no longer trades here." if move else ". It continues here."),
        f"on the other machine: {command('paper', 'restore', file.name, 'NEW_RUN')}",
        as_json,
    )


def restore(file: Path, run: Path, database: Path | None, as_json: bool) -> None:
    """Restore the session in `file` to the folder `run`."""
    made = restore_backup(file, run, database)
    session = made.settings.session
    _tell(
        made,
        f"{run}: restored from {made.origin}, {_moment(made)}, {_size(made)}",
        f"resume with: {command('paper', 'start', '--run', run)}",
        as_json,
    )
    console = narration_console()
    say(console, f"Do not continue it at {made.origin.host}:{made.origin.path}.")
    if session.feed == "replay":
        say(console, f"It replays {session.database}, which is not in the backup.")
    if {session.backend, session.root_backend} & PLAYS.keys():
        say(
            console,
            f"It plays an export, which is not in the backup: {command('export', session.model)}",
        )


def _tell(made: Backup, about: str, then: str, as_json: bool) -> None:
    if as_json:
        answer({"origin": asdict(made.origin), "files": made.files})
    else:
        echo(about)
        echo(then)


def _moment(made: Backup) -> str:
    close_ns = made.origin.close_ns
    return f"after {utc_text(close_ns)} UTC" if close_ns else "before its first minute"


def _size(made: Backup) -> str:
    return f"{sum(made.files.values()) / 1e6:,.1f} MB"
